import { type EncodedImage, type ImageInput, UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let unsam: UnSAM;
beforeAll(async () => {
  unsam = await UnSAM.load({ model: "region-tree" });
});
afterAll(() => unsam.dispose());

/** A plain photo of so many columns, by which it is known again. */
function photo(width: number) {
  return { data: new Uint8Array(3 * width * 8).fill(width), width, height: 8, channels: 3 as const };
}

const nothing: ImageInput = new Uint8Array(4);
const widths = (images: readonly EncodedImage[]) => images.map(({ width }) => width);

async function all(images: AsyncIterable<EncodedImage>): Promise<EncodedImage[]> {
  const seen: EncodedImage[] = [];
  for await (const image of images) seen.push(image);
  return seen;
}

/** Photos of 20, 21, … columns. Tells how many were taken, and whether it was told to stop. */
function endless() {
  const state = { taken: 0, isOver: false };
  async function* generate() {
    try {
      for (;;) yield photo(20 + state.taken++);
    } finally {
      state.isOver = true;
    }
  }
  return { state, photos: generate() };
}

describe("encodeAll", () => {
  it("gives images in the order of their photos, of lists and of streams", async () => {
    const list = [90, 9, 40, 11, 60, 8].map(photo);
    async function* stream() {
      yield* list;
    }
    for (const images of [list, new Set(list), stream()]) {
      expect(widths(await all(unsam.encodeAll(images)))).toEqual([90, 9, 40, 11, 60, 8]);
    }
    expect(await all(unsam.encodeAll([]))).toEqual([]);
  });

  it("takes few photos ahead, and tells whoever gives them when it is left", async () => {
    const { state, photos } = endless();
    const seen: EncodedImage[] = [];
    for await (const image of unsam.encodeAll(photos)) {
      seen.push(image);
      if (seen.length === 3) break;
    }
    expect(widths(seen)).toEqual([20, 21, 22]);
    expect(state.taken).toBeLessThanOrEqual(3 + unsam.engine.encodesAtOnce + 1);
    await expect.poll(() => state.isOver).toBe(true);
  });

  it("gives what it has while the next photo is long in coming", async () => {
    let send = () => {};
    async function* slow() {
      yield photo(20);
      await new Promise<void>((resolve) => {
        send = resolve;
      });
      yield photo(21);
    }
    const images = unsam.encodeAll(slow());
    expect((await images.next()).value?.width).toBe(20);
    const second = images.next();
    send();
    expect((await second).value?.width).toBe(21);
    expect((await images.next()).done).toBe(true);
  });

  it("ends where a photo cannot be read, behind those before it", async () => {
    const seen: number[] = [];
    const run = async () => {
      for await (const { width } of unsam.encodeAll([photo(20), photo(21), nothing, photo(22)]))
        seen.push(width);
    };
    await expect(run()).rejects.toMatchObject({ code: "E_BAD_IMAGE" });
    expect(seen).toEqual([20, 21]);
  });

  it("passes on what the photos' source throws, and options of encode", async () => {
    function* broken() {
      yield photo(20);
      throw new Error("the disk is gone");
    }
    await expect(all(unsam.encodeAll(broken()))).rejects.toThrow("the disk is gone");
    await expect(all(unsam.encodeAll([photo(20)], { maxPixels: 100 }))).rejects.toMatchObject({
      code: "E_BAD_IMAGE",
    });
  });

  it("stops at an abort signal, also while it waits for a photo", async () => {
    const reason = new Error("enough");
    const abort = new AbortController();
    async function* never(): AsyncGenerator<ImageInput> {
      yield photo(20);
      await new Promise(() => {});
    }
    const images = unsam.encodeAll(never(), { signal: abort.signal });
    expect((await images.next()).value?.width).toBe(20);
    const next = images.next();
    abort.abort(reason);
    await expect(next).rejects.toBe(reason);
    await expect(all(unsam.encodeAll([photo(20)], { signal: abort.signal }))).rejects.toBe(reason);
  });

  it.each([
    ["one photo's path", "a.png"],
    ["bytes", nothing],
    ["nothing", null],
    ["no list", { a: 1 }],
  ])("refuses %s", (_, images) => {
    expect(() => unsam.encodeAll(images as never)).toThrow(
      expect.objectContaining({ code: "E_BAD_OPTION", message: expect.stringContaining("encodeAll") }),
    );
  });
});

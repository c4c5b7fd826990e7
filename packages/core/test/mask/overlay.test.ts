import { describe, expect, it } from "vitest";
import { decodeImage } from "#core/image/index.js";
import { Mask, OVERLAY_COLORS, overlay } from "#core/mask/index.js";

const WIDTH = 90;
const HEIGHT = 70;
const GREY = 120;
const photo = () => ({ data: new Uint8Array(WIDTH * HEIGHT * 3).fill(GREY), width: WIDTH, height: HEIGHT });

/** A frame 40 pixels wide and high with a hole of 16. */
const frame = Mask.fromPolygons(WIDTH, HEIGHT, [
  {
    outer: [
      [20, 15],
      [60, 15],
      [60, 55],
      [20, 55],
    ],
    holes: [
      [
        [32, 27],
        [48, 27],
        [48, 43],
        [32, 43],
      ],
    ],
  },
]);

async function draw(...rest: Parameters<typeof overlay> extends [unknown, ...infer R] ? R : never) {
  const { data, width, height } = await decodeImage(await overlay(photo(), ...rest));
  expect([width, height]).toEqual([WIDTH, HEIGHT]);
  return (x: number, y: number) => [...data.subarray((y * WIDTH + x) * 3, (y * WIDTH + x) * 3 + 3)];
}

const untouched = [GREY, GREY, GREY];

describe("overlay", () => {
  it("tints the mask, leaves holes and the rest alone, and draws the edge in the mask's colour", async () => {
    const at = await draw([{ mask: frame, color: [255, 0, 0] }], { opacity: 0.5 });
    for (const [x, y] of [
      [2, 2],
      [80, 60],
      [40, 35],
    ]) {
      expect(at(x, y)).toEqual(untouched);
    }
    const [red, green, blue] = at(26, 21);
    expect(red).toBeCloseTo(GREY + (255 - GREY) / 2, -1);
    expect([green, blue]).toEqual([GREY / 2, GREY / 2]);
    for (const [x, y] of [
      [20, 35],
      [59, 35],
      [40, 15],
      [31, 35],
    ]) {
      const [r, g] = at(x, y);
      expect(r, `${x}, ${y}`).toBeGreaterThan(240);
      expect(r - g).toBeGreaterThan(80);
    }
  });

  it("gives masks without a colour one each", async () => {
    const left = Mask.fromBytes(
      WIDTH,
      HEIGHT,
      Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => +(i % WIDTH < 30)),
    );
    const right = Mask.fromBytes(
      WIDTH,
      HEIGHT,
      Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => +(i % WIDTH > 60)),
    );
    const at = await draw([{ mask: left }, { mask: right }], { opacity: 1 });
    expect(at(10, 35)).toEqual(OVERLAY_COLORS[0]);
    expect(at(80, 35)).toEqual(OVERLAY_COLORS[1]);
  });

  it("keeps a line of single pixels visible, and an empty mask invisible", async () => {
    const bytes = new Uint8Array(WIDTH * HEIGHT);
    for (let y = 10; y < 60; y++) bytes[y * WIDTH + 45] = 1;
    const at = await draw([{ mask: Mask.fromBytes(WIDTH, HEIGHT, bytes), color: [0, 255, 0] }]);
    expect(at(45, 30)[1]).toBeGreaterThan(220);
    const empty = await draw([{ mask: Mask.fromBytes(WIDTH, HEIGHT, new Uint8Array(WIDTH * HEIGHT)) }]);
    expect(empty(45, 30)).toEqual(untouched);
  });

  it("darkens what is outside only", async () => {
    const at = await draw([{ mask: frame }], { dim: 0.5, opacity: 0 });
    expect(at(5, 5)).toEqual([GREY / 2, GREY / 2, GREY / 2]);
    expect(at(26, 21)).toEqual(untouched);
  });

  it("draws clicks and boxes, also partly or wholly outside the image", async () => {
    const at = await draw([], {
      prompt: {
        points: [
          { x: 20.5, y: 20.5, label: 1 },
          { x: 60.5, y: 20.5, label: 0 },
          { x: -3, y: -3, label: 1 },
          { x: 1e9, y: 4, label: 0 },
          { x: 45, y: 60, label: -1 },
        ],
        box: [10, 40, 200, 66],
      },
    });
    const [, plusGreen] = at(20 + 4, 20 + 3);
    const [minusRed] = at(60 + 4, 20 + 3);
    expect(plusGreen).toBeGreaterThan(at(24, 23)[0] + 50);
    expect(minusRed).toBeGreaterThan(at(64, 23)[1] + 50);
    expect(at(20, 20)).toEqual([255, 255, 255]);
    expect(Math.min(...at(40, 40))).toBeGreaterThan(180);
    expect(at(45, 60)).toEqual(untouched);
  });

  it("does not write to the photo or the mask", async () => {
    const image = photo();
    const words = frame.words.slice();
    await overlay(image, [{ mask: frame }], { dim: 1, opacity: 1 });
    expect(image).toEqual(photo());
    expect(frame.words).toEqual(words);
  });

  it("refuses masks of another size and options out of range, and stops when told to", async () => {
    const small = Mask.fromBytes(1, 1, [1]);
    await expect(overlay(photo(), [{ mask: small }])).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    await expect(overlay(photo(), [], { dim: 2 })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    await expect(overlay(photo(), [], { opacity: Number.NaN })).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
    const reason = new Error("enough");
    await expect(overlay(photo(), [], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const drawing = overlay(photo(), [{ mask: frame }], { signal: controller.signal });
    controller.abort(reason);
    await expect(drawing).rejects.toBe(reason);
  });
});

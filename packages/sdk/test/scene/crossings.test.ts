import { Worker } from "node:worker_threads";
import { UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterEach, describe, expect, it, vi } from "vitest";

// What `everything` sends from thread to thread: what a batch brings moves once, and nobody copies logits.

const fixture = (name: string) => inRepository("packages", "core", "fixtures", "unsamv2-mini", name);
const model = { checkpoint: fixture("checkpoint.safetensors"), config: fixture("config.json") };
const SIDE = 96;
/** Noise: an untrained network answers it with masks of many shapes. */
const photo = {
  data: Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => ((i * 2654435761) >>> 13) % 256),
  width: SIDE,
  height: SIDE,
  channels: 3 as const,
};

/** Arrays of that kind anywhere in a message. */
function arraysIn<Kind>(message: unknown, kind: abstract new (...args: never[]) => Kind): Kind[] {
  if (message instanceof kind) return [message];
  if (typeof message !== "object" || message === null || ArrayBuffer.isView(message)) return [];
  return Object.values(message).flatMap((part) => arraysIn(part, kind));
}

/** Arrays of floats at least as long as one mask's logits. */
const logitsIn = (message: unknown) =>
  arraysIn(message, Float32Array).filter(({ length }) => length >= 32 * 32);

interface Crossing {
  /** The function that was called. */
  readonly name: string;
  readonly logits: readonly Float32Array[];
  /** Bits of masks. */
  readonly words: readonly Uint32Array[];
}

/** Watches what the main thread sends and is sent. */
function watch() {
  const sent: Crossing[] = [];
  const received: Float32Array[] = [];
  const post = Worker.prototype.postMessage;
  vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker, message, transfer) {
    const logits = logitsIn(message);
    const words = arraysIn(message, Uint32Array);
    post.call(this, message, transfer);
    sent.push({ name: message.name, logits, words });
  });
  const emit = Worker.prototype.emit;
  vi.spyOn(Worker.prototype, "emit").mockImplementation(function (this: Worker, event, ...args) {
    if (event === "message") received.push(...logitsIn(args));
    return emit.call(this, event, ...args);
  });
  const copies: number[] = [];
  const slice = Float32Array.prototype.slice;
  vi.spyOn(Object.getPrototypeOf(Float32Array.prototype), "slice").mockImplementation(function (
    this: Float32Array,
    ...range
  ) {
    const copy = slice.apply(this, range as [number, number]);
    copies.push(copy.byteLength);
    return copy;
  });
  return { sent, received, copies };
}

afterEach(() => vi.restoreAllMocks());

describe.each(["native", "onnx"] as const)("everything with the decoder %s", (decoder) => {
  it("moves the logits of a batch between threads once at most, and copies none", async ({ skip }) => {
    await using unsam = await UnSAM.load({ model, decoder, threads: 1 }).catch((error) => {
      if (decoder === "native" && !process.env.UNSAM_REQUIRE_NATIVE) skip(error.message);
      throw error;
    });
    await using image = await unsam.encode(photo);
    const { sent, received, copies } = watch();
    let batches = 0;
    const options = { granularity: [0.2, 0.8], predictedIou: 0, stability: 0, pointsPerSide: 8 };
    const scene = await image.everything({ ...options, onProgress: () => batches++ });
    expect(batches).toBeGreaterThan(3);
    expect(scene.masks.length).toBeGreaterThan(0);

    expect(sent.filter(({ name }) => name === "add")).toHaveLength(batches);
    const withLogits = sent.filter(({ logits }) => logits.length > 0);
    // ONNX Runtime's thread sends them straight to the one that finishes them.
    expect(new Set(withLogits.map(({ name }) => name))).toEqual(new Set(decoder === "native" ? ["add"] : []));
    expect(received).toEqual([]);
    // What has moved is empty here; what was cloned is not.
    expect(withLogits.flatMap(({ logits }) => logits.map(({ byteLength }) => byteLength))).toEqual(
      withLogits.flatMap(({ logits }) => logits.map(() => 0)),
    );
    expect(copies.filter((bytes) => bytes >= 4 * 32 * 32)).toEqual([]);
  });
});

it.each(["regions", "adaptive", "grid"] as const)(
  "sends the masks of a region tree straight to where they are collected, by %s",
  async (prompting) => {
    await using unsam = await UnSAM.load({ model: "region-tree" });
    await using image = await unsam.encode(photo);
    const { sent } = watch();
    let steps = 0;
    const options = {
      prompting,
      granularity: [0.2, 0.8],
      ...(prompting === "regions" ? {} : { pointsPerSide: 8 }),
    };
    const scene = await image.everything({ ...options, onProgress: () => steps++ });
    expect(scene.masks.length).toBeGreaterThan(1);
    const [proposing, collecting] =
      prompting === "regions" ? ["proposeRegions", "addRegions"] : ["proposeByClicks", "add"];
    const count = (name: string) => sent.filter((message) => message.name === name).length;
    expect(count(collecting)).toBeGreaterThanOrEqual(steps);
    expect(count(collecting)).toBe(count(proposing));
    const before = sent.slice(
      0,
      sent.findIndex(({ name }) => name === "finish"),
    );
    expect(before.flatMap(({ words }) => words)).toEqual([]);
  },
);

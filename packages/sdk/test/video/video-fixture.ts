import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseNpy } from "@unsam/core/npy";
import type { Mask, TrackedFrame, Video } from "@unsam/sdk";
import { shared } from "@unsam/test-support";

/** A file of the video fixture in the shared folder. */
export const fixture = (...parts: string[]): string => shared("parity", "video-mini", ...parts);

/** Paths of its frames, in the order of the clip. */
export function framePaths(count: number): string[] {
  return Array.from({ length: count }, (_, i) => fixture("frames", `${String(i).padStart(2, "0")}.png`));
}

export async function readJson<Content>(file: string): Promise<Content> {
  return JSON.parse(await readFile(fixture(file), "utf8"));
}

export async function expectedLogits(file: string): Promise<Float32Array> {
  return parseNpy(await readFile(fixture("cases", `${file}.low_res_logits.npy`))).data;
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

export async function trackAll(
  video: Video,
  options?: Parameters<Video["track"]>[0],
): Promise<TrackedFrame[]> {
  const frames: TrackedFrame[] = [];
  for await (const frame of video.track(options)) frames.push(frame);
  return frames;
}

/** All frames of a track, with the answers by the number of their object. */
export async function collect(video: Video, options?: Parameters<Video["track"]>[0]) {
  const frames: { frame: number; logits: Map<number, Float32Array>; masks: Map<number, Mask> }[] = [];
  for await (const { frame, objects } of video.track(options)) {
    const entries = [...objects];
    frames.push({
      frame,
      logits: new Map(entries.map(([object, answer]) => [object.id, answer.logits.data])),
      masks: new Map(entries.map(([object, answer]) => [object.id, answer.mask])),
    });
  }
  return frames;
}

/** The code of the error that something fails with, "done" where it does not fail. */
export const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error) => error.code ?? error.message,
  );

/** The UnSAMv2 model, which is the union of two files, as one checkpoint in a folder that `work` gets. */
export async function withUnsamCheckpoint<Result>(work: (file: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), "unsam-video-"));
  try {
    const file = path.join(folder, "model.safetensors");
    const parts = await Promise.all(
      ["checkpoint", "unsam-extra"].map((name) => readFile(fixture(`${name}.safetensors`))),
    );
    await writeFile(file, joined(parts));
    return await work(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Several safetensors files as one: their headers put together, the offsets of the later ones moved. */
function joined(files: readonly Buffer[]): Buffer {
  const header: Record<string, { data_offsets: [number, number] }> = {};
  const data: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const length = Number(file.readBigUInt64LE(0));
    const { __metadata__: _, ...tensors } = JSON.parse(file.toString("utf8", 8, 8 + length));
    for (const [name, tensor] of Object.entries<{ data_offsets: [number, number] }>(tensors)) {
      const [from, to] = tensor.data_offsets;
      header[name] = { ...tensor, data_offsets: [from + offset, to + offset] };
    }
    data.push(file.subarray(8 + length));
    offset += file.length - 8 - length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, ...data]);
}

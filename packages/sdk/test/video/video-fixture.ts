import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
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

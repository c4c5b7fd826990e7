import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeWithShared, pseudoRandom, shared } from "@unsam/test-support";
import { describe, expect, test } from "vitest";
import { FormatError } from "#core/checkpoint/format-error.js";
import { openCheckpoint } from "#core/checkpoint/index.js";
import { readDirectory } from "#core/checkpoint/read-directory.js";
import { readStoredTensor } from "#core/checkpoint/stored-tensor.js";
import { UnSAMError } from "#core/errors.js";
import { CountingSource } from "./counting-source.js";
import { mutate, type Region } from "./mutations.js";
import {
  call,
  dict,
  float,
  global,
  int,
  list,
  no,
  none,
  object,
  orderedDict,
  pickle,
  stateDict,
  storage,
  str,
  tensor,
  tuple,
} from "./pickle-writer.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

const whole: Region = { start: 0, end: Number.POSITIVE_INFINITY };
const megabyte = 2 ** 20;

/** A small `.pt` with what the reader knows: shared storages, strides, every kind of view, other keys. */
function samplePt(zip64: boolean, root: Uint8Array = samplePickle()): Buffer {
  const storages = {
    0: Float32Array.from({ length: 12 }, (_, i) => i),
    1: new Uint16Array(6).fill(0x3c00),
    2: new Uint16Array(6).fill(0x3f80),
    3: BigInt64Array.of(7n),
  };
  const extraRecords = [{ name: "archive/byteorder", data: Buffer.from("little") }];
  return tinyCheckpoint({ root, storages, zip64, extraRecords });
}

function samplePickle(): Uint8Array {
  const of = (type: string, key: string, elements: number) => ({ type, key, elements });
  const weights = stateDict([
    ["a.weight", tensor({ storage: of("FloatStorage", "0", 12), shape: [3, 4], strides: [4, 1] })],
    ["a.bias", tensor({ storage: of("FloatStorage", "0", 12), offset: 4, shape: [4], strides: [1] })],
    ["a.transposed", tensor({ storage: of("FloatStorage", "0", 12), shape: [4, 3], strides: [1, 4] })],
    ["b.half", tensor({ storage: of("HalfStorage", "1", 6), shape: [2, 3], strides: [3, 1] })],
    ["b.brain", tensor({ storage: of("BFloat16Storage", "2", 6), shape: [6], strides: [1] })],
    ["b.count", tensor({ storage: of("LongStorage", "3", 1), shape: [], strides: [] })],
  ]);
  const eighths = call(
    global("torch._utils", "_rebuild_tensor_v3"),
    storage({ type: "UntypedStorage", module: "torch.storage", key: "0", elements: 48 }),
    ...[int(0), tuple(int(4)), tuple(int(1)), no, none, global("torch", "float8_e4m3fn")],
  );
  return pickle(
    dict([
      ["model", weights],
      [
        "optimizer",
        dict([
          ["lr", float(1e-4)],
          ["name", str("adam")],
        ]),
      ],
      ["extra", orderedDict([["epoch", int(3)]])],
      ["cfg", object(global("omegaconf", "DictConfig"), dict([["lr", float(1)]]))],
      ["best", dict([["ema", list(weights, tuple(eighths))]])],
    ]),
  );
}

function sampleHeader(): Buffer {
  return Buffer.from(
    JSON.stringify({
      __metadata__: { format: "pt" },
      "a.weight": { dtype: "F32", shape: [3, 4], data_offsets: [0, 48] },
      "b.half": { dtype: "F16", shape: [2, 3], data_offsets: [48, 60] },
      "b.count": { dtype: "I64", shape: [], data_offsets: [60, 68] },
      "b.eighths": { dtype: "F8_E4M3", shape: [4], data_offsets: [68, 72] },
    }),
  );
}

function sampleSafetensors(json = sampleHeader()): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(72, 7)]);
}

/** Reads everything; returns whether the bytes were accepted. Throws where anything but a `FormatError` comes out. */
async function accepts(bytes: Buffer): Promise<boolean> {
  const source = new CountingSource(bytes);
  try {
    const { tensors } = await readDirectory(source);
    for (const stored of tensors.values()) {
      if (!stored.isReadable) continue;
      source.reset();
      const { data } = await readStoredTensor(source, stored);
      expect(data.length).toBeLessThanOrEqual(bytes.length);
      expect(source.largestRead).toBeLessThanOrEqual(bytes.length);
    }
    return true;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    expect(error.message).toMatch(/^.{10,1000}\.$/s);
    return false;
  }
}

interface Fuzzed {
  readonly damage: (random: () => number) => Buffer;
  readonly runs: number;
  readonly seed: number;
}

/** How many of the damaged files were still accepted (damage may hit values only). */
async function fuzz({ damage, runs, seed }: Fuzzed): Promise<number> {
  const random = pseudoRandom(seed);
  const residentBefore = process.memoryUsage().rss;
  let accepted = 0;
  let slowest = 0;
  for (let run = 0; run < runs; run++) {
    const damaged = damage(random);
    const started = performance.now();
    if (await accepts(damaged)) accepted++;
    slowest = Math.max(slowest, performance.now() - started);
  }
  expect(slowest).toBeLessThan(1000); // the ceiling the project sets for hostile files
  expect(process.memoryUsage().rss - residentBefore).toBeLessThan(200 * megabyte);
  expect(existsSync("/tmp/pwned")).toBe(false);
  return accepted;
}

const pt = samplePt(false);
const zip64 = samplePt(true);
const safetensors = sampleSafetensors();
const rawPickle = Buffer.from(samplePickle());
const rawHeader = sampleHeader();
const directoryOf = (bytes: Buffer): Region => ({ start: bytes.indexOf("PK\x01\x02"), end: bytes.length });

/** Damage within the sound frame of a file, and damage to the frame. */
const damages: [string, number, (random: () => number) => Buffer][] = [
  ["the pickle", 4000, (random) => samplePt(false, mutate(rawPickle, whole, random))],
  ["the zip directory", 1500, (random) => mutate(pt, directoryOf(pt), random)],
  ["the zip64 directory", 1000, (random) => mutate(zip64, directoryOf(zip64), random)],
  ["anything in a .pt file", 1500, (random) => mutate(pt, whole, random)],
  ["the safetensors header", 2000, (random) => sampleSafetensors(mutate(rawHeader, whole, random))],
  ["anything in a safetensors file", 500, (random) => mutate(safetensors, whole, random)],
];

describe("damaged checkpoints are refused or read, never anything else", () => {
  test("the undamaged ones are read", async () => {
    expect(await Promise.all([pt, zip64, safetensors].map(accepts))).toEqual([true, true, true]);
  });

  test.each(damages)("damage to %s", async (_, runs, damage) => {
    const accepted = await fuzz({ damage, runs, seed: runs });
    expect(accepted).toBeGreaterThan(0); // or the damage never reached beyond the first check
    expect(accepted).toBeLessThan(runs / 2);
  });

  test("through files, as a caller sees them", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "unsam-fuzz-"));
    const target = path.join(folder, "damaged.pt");
    const random = pseudoRandom(2);
    try {
      for (let run = 0; run < 200; run++) {
        await writeFile(target, mutate([pt, zip64, safetensors][run % 3]!, whole, random));
        try {
          await using checkpoint = await openCheckpoint(target);
          for (const name of checkpoint.tensors.keys()) await checkpoint.read(name);
        } catch (error) {
          expect(error).toBeInstanceOf(UnSAMError);
          expect(error).toMatchObject({
            code: "E_BAD_CHECKPOINT",
            message: expect.stringContaining("damaged.pt"),
          });
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("a damaged index of shards", () => {
  test("opens what lies beside it, or is refused", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "unsam-fuzz-"));
    const index = path.join(folder, "model.safetensors.index.json");
    await writeFile(path.join(folder, "1.safetensors"), safetensors);
    await writeFile(path.join(folder, "2.safetensors"), safetensors);
    const sound = Buffer.from(
      JSON.stringify({ weight_map: { "a.weight": "1.safetensors", "b.half": "2.safetensors" } }),
    );
    const random = pseudoRandom(3);
    let opened = 0;
    try {
      for (let run = 0; run < 500; run++) {
        await writeFile(index, run === 0 ? sound : mutate(sound, whole, random));
        try {
          await using checkpoint = await openCheckpoint(index);
          for (const shard of checkpoint.shards) expect(shard).toMatch(/^[12]\.safetensors$/);
          for (const name of checkpoint.tensors.keys()) await checkpoint.read(name);
          opened++;
        } catch (error) {
          expect(error).toBeInstanceOf(UnSAMError);
          expect(error).toMatchObject({ code: "E_BAD_CHECKPOINT" });
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(opened).toBeGreaterThan(0);
    expect(opened).toBeLessThan(250);
  });
});

describeWithShared("damaged reference files", () => {
  const hostile = () =>
    readdirSync(shared("parity", "hostile")).filter((file) => /\.(pt|safetensors)$/.test(file));

  test("the hostile ones", async () => {
    for (const [seed, file] of hostile().entries()) {
      const bytes = readFileSync(shared("parity", "hostile", file));
      if (bytes.length < megabyte)
        await fuzz({ damage: (random) => mutate(bytes, whole, random), runs: 50, seed });
    }
  });

  test("the pickle and the zip directory of the mini model", async () => {
    const bytes = readFileSync(shared("parity", "unsamv2-mini", "checkpoint.pt"));
    const small = { start: 0, end: 90_000 };
    const random = pseudoRandom(1);
    for (let run = 0; run < 20; run++) await accepts(mutate(bytes, small, random));
    for (let run = 0; run < 20; run++) {
      await accepts(mutate(bytes, { start: bytes.length - 40_000, end: bytes.length }, random));
    }
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint, type TensorToWrite, writeSafetensors } from "#core/checkpoint/index.js";
import { readAll } from "./in-memory.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-safetensors-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A safetensors file of this header and this many data bytes. */
function file(header: string | object, dataBytes = 16): Buffer {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.from(new Float32Array(dataBytes / 4).map((_, i) => i).buffer)]);
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

describe("reading", () => {
  test("takes tensors in any order, white space and escapes as JSON allows", async () => {
    const header = `{"b" :\n{"shape":[ 2 , 1 ],"data_offsets":[8,16],"dtype":"F32"},"\\u0061\\n":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} `;
    expect(await readAll(file(header))).toEqual({
      "a\n": { values: [0, 1], shape: [2] },
      b: { values: [2, 3], shape: [2, 1] },
    });
  });

  test("takes names that mean something to JavaScript", async () => {
    const all = await readAll(file(`{"__proto__": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}`));
    expect(Object.keys(all)).toEqual(["__proto__"]);
  });

  test("takes scalars, empty tensors and empty files", async () => {
    expect(await readAll(file({ s: f32([], 0, 4), e: f32([0, 3], 4, 4) }, 4))).toEqual({
      s: { values: [0], shape: [] },
      e: { values: [], shape: [0, 3] },
    });
    expect(await readAll(file("{}", 0))).toEqual({});
  });

  test.each<[string, Buffer, RegExp]>([
    [
      "a name that occurs twice",
      file(`{"a":${JSON.stringify(f32([4], 0, 16))},"a":${JSON.stringify(f32([4], 0, 16))}}`),
      /"a" twice/,
    ],
    [
      "a field that occurs twice",
      file(`{"a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}}`),
      /"dtype" twice/,
    ],
    [
      "a name twice, once escaped",
      file(`{"a":${JSON.stringify(f32([2], 0, 8))},"\\u0061":${JSON.stringify(f32([2], 8, 16))}}`),
      /"a" twice/,
    ],
    [
      "a hole between tensors",
      file({ a: f32([1], 0, 4), b: f32([2], 8, 16) }),
      /bytes 4 to 8 before tensor "b"/,
    ],
    ["a hole before the first", file({ a: f32([3], 4, 16) }), /bytes 0 to 4 before/],
    ["bytes after the last", file({ a: f32([3], 0, 12) }), /last 4 bytes/],
    ["tensors that overlap", file({ a: f32([3], 0, 12), b: f32([2], 8, 16) }), /"b".*overlaps/],
    ["values of a dtype nobody knows", file({ a: { ...f32([4], 0, 16), dtype: "F33" } }), /stored as F33/],
    [
      "float8 that does not fit",
      file({ a: { ...f32([4], 0, 16), dtype: "F8_E5M2" } }),
      /cannot take 16 bytes/,
    ],
    ["a shape that does not fit", file({ a: f32([5], 0, 16) }), /\[5\] cannot take 16 bytes/],
    [
      "a shape whose product wraps to zero",
      file({ a: f32([2 ** 32, 2 ** 32], 0, 0) }, 0),
      /cannot take 0 bytes/,
    ],
    [
      "sides beyond the integers",
      file(`{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,16]}}`),
      /too large/,
    ],
    [
      "a negative side",
      file(`{"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}`),
      /non-negative whole number/,
    ],
    [
      "a fractional side",
      file(`{"a":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}}`),
      /non-negative whole number/,
    ],
    ["one offset", file(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[16]}}`), /not two numbers/],
    ["three offsets", file(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16,16]}}`), /more than 2/],
    ["a field that is missing", file(`{"a":{"dtype":"F32","shape":[4]}}`), /lacks one of/],
    [
      "a field nobody knows",
      file(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16],"x":1}}`),
      /unknown field "x"/,
    ],
    ["a tensor that is a list", file(`{"a":[]}`), /malformed/],
    ["a header that is a list", file("[]"), /neither/],
    ["something after the header", file("{}{}", 0), /malformed/],
    [
      "more metadata than anybody writes",
      file(`{"__metadata__":{${Array.from({ length: 10_001 }, (_, i) => `"${i}":""`)}}}`, 0),
      /more than 10000 entries/,
    ],
    ["metadata that is no text", file(`{"__metadata__":{"a":1}}`, 0), /a string/],
    ["a string with a bad escape", file(`{"\\x":{}}`, 0), /bad string/],
    [
      "a header that is no UTF-8",
      Buffer.concat([file("", 0).fill(2, 0, 1), Buffer.from([0x7b, 0xff])]),
      /UTF-8/,
    ],
    ["a million nested lists", file(`{"a":${"[".repeat(1e6)}`, 0), /malformed/],
    [
      "a hundred thousand sides",
      file(`{"a":{"dtype":"F32","shape":[${"1,".repeat(1e5)}1],"data_offsets":[0,4]}}`, 4),
      /more than 64/,
    ],
  ])("refuses %s", async (_, bytes, reason) => {
    await expect(readAll(bytes)).rejects.toThrow(reason);
  });
});

const bits32 = fc.noBias(fc.integer({ min: 0, max: 0xffffffff }));
const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
const size = (shape: number[]) => shape.reduce((product, side) => product * side, 1);

/** float32 by bits, so that NaN payloads, subnormals and infinities occur. */
const tensorWithoutName = shapes.chain((shape) =>
  fc.tuple(
    fc.constantFrom("float32", "float16", "int32", "uint8"),
    fc.array(bits32, { minLength: size(shape), maxLength: size(shape) }),
    fc.constant(shape),
  ),
);
const tensorSets = fc
  .uniqueArray(fc.tuple(fc.string({ unit: "binary" }), tensorWithoutName), {
    selector: ([name]) => name,
    maxLength: 6,
  })
  .map((named) =>
    named.filter(([name]) => name !== "__metadata__").map(([name, content]) => toTensor(name, ...content)),
  );

function toTensor(name: string, dtype: string, bits: number[], shape: number[]): TensorToWrite {
  const data = Uint32Array.from(bits);
  if (dtype === "uint8") return { name, dtype, shape, data: Uint8Array.from(bits) };
  if (dtype === "int32") return { name, dtype, shape, data: new Int32Array(data.buffer) };
  return { name, dtype: dtype === "float16" ? dtype : "float32", shape, data: new Float32Array(data.buffer) };
}

describe("writing", () => {
  test("what was written is read back", async () => {
    const target = path.join(folder, "round-trip.safetensors");
    const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(tensorSets, metadata, async (tensors, strings) => {
        await writeSafetensors(target, tensors, strings);
        await using checkpoint = await openCheckpoint(target);
        expect(Object.entries(checkpoint.metadata)).toEqual(expect.arrayContaining(Object.entries(strings)));
        expect([...checkpoint.tensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
        for (const { name, dtype, shape, data } of tensors) {
          expect(checkpoint.tensors.get(name)).toMatchObject({ dtype, shape });
          const read = (await checkpoint.read(name)).data;
          if (dtype === "float32") expect(new Uint32Array(read.buffer)).toEqual(new Uint32Array(data.buffer));
          else if (dtype !== "float16") expect(read).toEqual(Float32Array.from(data));
          else for (const [i, value] of data.entries()) expectHalf(read[i]!, value);
        }
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  test("data is aligned: the header to 8 bytes, every tensor to its elements", async () => {
    const target = path.join(folder, "aligned.safetensors");
    await writeSafetensors(target, [
      { name: "a", dtype: "uint8", shape: [3], data: Uint8Array.of(1, 2, 3) },
      { name: "b", dtype: "float16", shape: [1], data: Float32Array.of(0.1) },
      { name: "c", dtype: "float32", shape: [1], data: Float32Array.of(0.1) },
    ]);
    const bytes = await readFile(target);
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    expect(headerBytes % 8).toBe(0);
    const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString());
    expect(header.a.data_offsets[0]).toBe(6);
    expect(header.b.data_offsets[0]).toBe(4);
    expect(header.c).toEqual({ dtype: "F32", shape: [1], data_offsets: [0, 4] });
    expect((await readAll(bytes)).b?.values).toEqual([0.0999755859375]);
  });

  test("takes a view of a larger array", async () => {
    const target = path.join(folder, "view.safetensors");
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    await writeSafetensors(target, [{ name: "v", dtype: "float32", shape: [2], data }]);
    expect((await readAll(await readFile(target))).v?.values).toEqual([1, 2]);
  });

  test("leaves nothing behind when it fails, and what was there before stays", async () => {
    const data = Float32Array.of(1);
    const good: TensorToWrite = { name: "a", dtype: "float32", shape: [1], data };
    const inFolder = path.join(folder, "failing");
    await mkdir(path.join(inFolder, "taken"), { recursive: true });
    await writeFile(path.join(inFolder, "old"), "old");
    for (const bad of [[{ ...good, shape: [2] }], [good, good], [{ ...good, name: "__metadata__" }]]) {
      await expect(writeSafetensors(path.join(inFolder, "old"), bad)).rejects.toMatchObject({
        code: "E_BAD_OPTION",
      });
    }
    await expect(writeSafetensors(path.join(inFolder, "taken"), [good])).rejects.toMatchObject({
      code: "E_IO",
    });
    await expect(writeSafetensors(path.join(inFolder, "no", "such"), [good])).rejects.toMatchObject({
      code: "E_IO",
    });
    expect((await readdir(inFolder)).sort()).toEqual(["old", "taken"]);
    expect(await readFile(path.join(inFolder, "old"), "utf8")).toBe("old");
  });
});

/** Within half a unit in the last place of a float16 number (2^-24 for the smallest), infinite from 65520 on. */
function expectHalf(read: number, written: number): void {
  if (Number.isNaN(written)) expect(read).toBeNaN();
  else if (Math.abs(written) >= 65520) expect(read).toBe(Math.sign(written) * Infinity);
  else {
    const exponent = Math.max(Math.floor(Math.log2(Math.abs(written) || 1)), -14);
    expect(Math.abs(read - written)).toBeLessThanOrEqual(2 ** (exponent - 11));
  }
}

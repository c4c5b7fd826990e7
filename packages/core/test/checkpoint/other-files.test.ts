import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";
import { dict, int, pickle, tensor } from "./pickle-writer.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";
import { zipArchive } from "./zip-writer.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-other-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

const text = (content: string) => Buffer.from(content);
const root = dict([
  ["w", tensor({ storage: { type: "FloatStorage", key: "0", elements: 1 }, shape: [1], strides: [1] })],
]);
const pt = tinyCheckpoint({ root, storages: { 0: Float32Array.of(3) } });
const lfs =
  "version https://git-lfs.github.com/spec/v1\n" +
  "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 184416285\n";

function tar(): Buffer {
  const header = Buffer.alloc(1024);
  header.write("sys_info");
  header.write("ustar", 257);
  return header;
}

function safetensors(json: string, data: number): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, text(json), Buffer.alloc(data)]);
}

const header = '{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}';

const files: [string, Buffer, RegExp][] = [
  [
    "a web page",
    text("<!DOCTYPE html>\n<html><head><title>Login</title>"),
    /is an HTML page.*Download the file itself/,
  ],
  ["a web page after a byte order mark", text("\ufeff \n<html lang='en'>…"), /is an HTML page/],
  [
    "a server's error in XML",
    text('<?xml version="1.0"?><Error><Code>AccessDenied</Code>'),
    /is an XML page/,
  ],
  ["a server's error in JSON", text('{"error": "Repository not found"}'), /JSON text.*server/],
  ["a Git LFS pointer", text(lfs), /Git LFS pointer to a file of 184\.4 MB.*git lfs pull/],
  ["a git-annex pointer", text("/annex/objects/SHA256E-s1--abc.pt\n"), /git-annex.*git annex get/],
  ["another text", text("Access denied, sorry"), /text that begins with "Access denied, sorry"/],
  ["gzip", gzipSync(pt), /gzip; unpack it/],
  ["bzip2", text("BZh91AY&SY...."), /bzip2; unpack/],
  ["xz", Buffer.from([0xfd, ...text("7zXZ"), 0, 0, 0, 0, 0]), /xz; unpack/],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0, 0]), /zstd; unpack/],
  ["7z", Buffer.from([...text("7z"), 0xbc, 0xaf, 0x27, 0x1c, 0, 0]), /7z archive/],
  ["a tar archive", tar(), /tar archive; unpack it.*0\.1\.10/],
  [
    "the old format of PyTorch",
    Buffer.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]),
    /before version 1\.6.*torch\.save it again/,
  ],
  ["a bare pickle", Buffer.from(pickle(dict([["epoch", int(3)]]))), /bare pickle.*nothing of it was run/],
  ["GGUF", text("GGUF\u0003\u0000\u0000\u0000 more"), /GGUF \(ggml\) file/],
  [
    "ONNX",
    Buffer.from([0x08, 0x08, 0x12, 0x07, ...text("pytorch"), 0x1a, 0x05]),
    /ONNX model.*PyTorch checkpoint/,
  ],
  ["TensorFlow Lite", Buffer.from([0x1c, 0, 0, 0, ...text("TFL3"), 0, 0]), /TensorFlow Lite/],
  ["HDF5", Buffer.from([0x89, ...text("HDF\r\n"), 0x1a, 0x0a, 0, 0]), /HDF5/],
  ["a NumPy array", Buffer.from([0x93, ...text("NUMPY"), 1, 0, 0, 0]), /NumPy array/],
  ["a PNG", Buffer.from([0x89, ...text("PNG\r\n"), 0x1a, 0x0a, 0, 0]), /image.*swapped/],
  ["a JPEG", Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a, 0x46, 0x49, 0x46]), /image/],
  [
    "a TorchScript program",
    zipArchive([
      { name: "m/data.pkl", data: pickle(root) },
      { name: "m/constants.pkl", data: pickle(dict([])) },
      { name: "m/code/__torch__.py", data: text("x") },
    ]),
    /TorchScript program.*state_dict/,
  ],
  [
    "an exported program",
    zipArchive([{ name: "serialized_exported_program.json", data: text("{}") }]),
    /torch\.export/,
  ],
  ["a NumPy archive", zipArchive([{ name: "w.npy", data: text("x") }]), /NumPy archive/],
  [
    "a zip around a checkpoint",
    zipArchive([
      { name: "README.md", data: text("hi") },
      { name: "weights/sam2.pt", data: pt },
    ]),
    /zip archive around "weights\/sam2\.pt"; unpack it/,
  ],
  [
    "a zip around a compressed checkpoint",
    zipArchive([{ name: "sam2.pth", data: deflateRawSync(pt), method: 8 }]),
    /zip archive around|damaged/,
  ],
  ["another zip", zipArchive([{ name: "photo.jpg", data: text("x") }]), /0 records FOLDER\/data\.pkl/],
  ["nothing", Buffer.alloc(0), /is empty; download it again/],
  ["zeros", Buffer.alloc(4096), /begins with zeros.*Download it again/],
  ["a .pt that is cut off", pt.subarray(0, pt.length - 40), /truncated or damaged.*download it again/],
  [
    "safetensors that are cut off",
    safetensors(header, 15),
    /lies outside the 15 data bytes.*cut off \(download it again\)/,
  ],
  [
    "safetensors whose header is cut off",
    safetensors(header, 0).subarray(0, 30),
    /header claims 55 bytes, but only 22 follow/,
  ],
];

describe("files that are no checkpoint are called what they are", () => {
  for (const ending of ["pt", "safetensors"]) {
    test.each(files)(`%s, saved as .${ending}`, async (name, bytes, reason) => {
      const file = path.join(folder, `${name.replaceAll(" ", "-")}.${ending}`);
      await writeFile(file, bytes);
      await expect(openCheckpoint(file)).rejects.toMatchObject({
        code: "E_BAD_CHECKPOINT",
        message: expect.stringMatching(reason),
      });
      await expect(openCheckpoint(file)).rejects.toThrow(/^Checkpoint “.*” cannot be used: .*\.$/s);
    });
  }

  test("a download that has not finished is called that by its name; a whole file of that name is opened", async () => {
    const file = path.join(folder, "sam2.pt.crdownload");
    await writeFile(file, pt.subarray(0, 100));
    await expect(openCheckpoint(file)).rejects.toThrow(
      /Its name ends in \.crdownload: its download has not finished/,
    );
    await writeFile(file, pt);
    await using checkpoint = await openCheckpoint(file);
    expect([...checkpoint.tensors.keys()]).toEqual(["w"]);
  });
});

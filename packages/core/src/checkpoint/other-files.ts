import { quoted } from "./format-error.js";

/** Bytes of a file's start that `explainFile` looks at: a tar archive is known by what stands at byte 257. */
export const startBytes = 512;

const DOWNLOAD = "Download the file itself (on a page of Hugging Face: the arrow beside its name)";

interface Kind {
  /** Text, or bytes, that the file begins with (or has at `at`). */
  readonly starts: readonly (string | readonly number[])[];
  readonly at?: number;
  readonly is: string;
}

const UNPACK = "unpack it, and give the file inside";
const EXPORT =
  "which holds a program with its weights, not a state dict; give the PyTorch checkpoint it was made from";

const kinds: readonly Kind[] = [
  { starts: [[0x1f, 0x8b]], is: `it is compressed with gzip; ${UNPACK} (gunzip, tar xzf).` },
  { starts: ["BZh"], is: `it is compressed with bzip2; ${UNPACK}.` },
  { starts: [[0xfd, "7zXZ"].flatMap(bytesOf)], is: `it is compressed with xz; ${UNPACK}.` },
  { starts: [[0x28, 0xb5, 0x2f, 0xfd]], is: `it is compressed with zstd; ${UNPACK}.` },
  { starts: [[0x04, 0x22, 0x4d, 0x18]], is: `it is compressed with lz4; ${UNPACK}.` },
  { starts: [["7z", 0xbc, 0xaf].flatMap(bytesOf)], is: `it is a 7z archive; ${UNPACK}.` },
  { starts: ["Rar!"], is: `it is a RAR archive; ${UNPACK}.` },
  {
    starts: ["ustar"],
    at: 257,
    is:
      `it is a tar archive; ${UNPACK}. PyTorch before version 0.1.10 wrote its checkpoints as tar, too: ` +
      "load such a file there and torch.save it again.",
  },
  {
    // A pickle of the number 0x1950a86a20f9469cfc6c, which PyTorch wrote first.
    starts: [[0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]],
    is: "it is in PyTorch's format from before version 1.6; load it in PyTorch and torch.save it again.",
  },
  { starts: ["GGUF", "lmgg", "tjgg", "fmgg"], is: `it is a GGUF (ggml) file, ${EXPORT}.` },
  { starts: ["TFL3"], at: 4, is: `it is a TensorFlow Lite model, ${EXPORT}.` },
  {
    starts: [[0x89, "HDF\r\n", 0x1a].flatMap(bytesOf)],
    is: "it is an HDF5 file (Keras); PyTorch's .pt and .safetensors are read.",
  },
  {
    starts: [[0x93, "NUMPY"].flatMap(bytesOf)],
    is: "it is one NumPy array; a checkpoint is a .pt or .safetensors file.",
  },
  {
    starts: [[0x89, "PNG"].flatMap(bytesOf), [0xff, 0xd8, 0xff], "GIF8", "RIFF", "II*\0", "MM\0*"],
    is: "it is an image, no checkpoint; the model and the photo may have been swapped.",
  },
  { starts: ["%PDF"], is: "it is a PDF document, no checkpoint." },
  { starts: [[0x7f, "ELF"].flatMap(bytesOf), "MZ"], is: "it is a program, no checkpoint." },
];

function bytesOf(part: string | number): number[] {
  return typeof part === "number" ? [part] : [...Buffer.from(part, "latin1")];
}

/**
 * What a file is that begins like this and is no checkpoint, and what to do about it, as the end of a sentence; null:
 * nothing that is known. `start` holds the first `startBytes` bytes, or all there are.
 */
export function explainFile(start: Uint8Array): string | null {
  const has = (signature: string | readonly number[], at = 0) =>
    (typeof signature === "string" ? bytesOf(signature) : signature).every(
      (byte, i) => start[at + i] === byte,
    );
  const kind = kinds.find(({ starts, at }) => starts.some((signature) => has(signature, at)));
  if (kind) return kind.is;
  if (isOnnx(start)) return `it is an ONNX model, ${EXPORT}.`;
  const text = textOf(start);
  if (text !== null) return explainText(text);
  if (looksLikePickle(start)) {
    return "it is a bare pickle, not a zip archive as torch.save writes; nothing of it was run. Load it in PyTorch and torch.save its weights.";
  }
  if (start.every((byte) => byte === 0)) {
    return "it begins with zeros: its place on the disk was kept, but its content has not arrived. Download it again.";
  }
  return null;
}

function explainText(text: string): string {
  const pointer = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:.*\n)*?size (\d{1,16})/.exec(text);
  if (pointer) {
    const size = `${(Number(pointer[1]) / 1e6).toFixed(1)} MB`;
    return `it is a Git LFS pointer to a file of ${size}, not the file; run git lfs pull, or download the file itself.`;
  }
  if (isLfsPointer(text) || /^(\.\.\/)*\.?\/?(git\/)?annex\/objects\//.test(text)) {
    return "it is a pointer of Git LFS or git-annex, not the file; run git lfs pull (git annex get), or download the file itself.";
  }
  if (isWebPage(text)) {
    return `it is an HTML page: a web page was saved in place of the file (a login, a licence to accept, or the page about the file). ${DOWNLOAD}.`;
  }
  if (text.startsWith("<")) {
    return `it is an XML page, perhaps a server's error message, saved in place of the file. ${DOWNLOAD}.`;
  }
  if (text.startsWith("{") || text.startsWith("[")) {
    return `it is JSON text that names no shards of a checkpoint (an error message of a server, or a configuration?). ${DOWNLOAD}.`;
  }
  return `it is text that begins with ${quoted(text.slice(0, 60))}, no checkpoint. ${DOWNLOAD}.`;
}

/** Whether a text, without white space in front, is the start of a web page, which was saved or sent in place of a file. */
export function isWebPage(text: string): boolean {
  return /^<(!doctype html|html|head|body|!--)/i.test(text);
}

/** Whether it is the start of what Git LFS keeps in a file's place. */
export function isLfsPointer(text: string): boolean {
  return /^version https:\/\/git-lfs/i.test(text);
}

/**
 * The start of a text file, without byte order mark and leading white space; null where a byte stands in it that text
 * does not have. (A safetensors file has zeros in its first eight bytes.)
 */
export function textOf(start: Uint8Array): string | null {
  if (start.length < 8) return null;
  if (start.some((byte) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x0c)) {
    return null;
  }
  const text = Buffer.from(start)
    .toString("utf8")
    .replace(/^\ufeff/, "")
    .trimStart();
  // A character cut in two at the end is no reason to doubt.
  return text === "" || text.slice(0, -1).includes("\ufffd") ? null : text;
}

/** A pickle begins with PROTO; read as a safetensors header length, its first bytes would be beyond 4 GB. */
function looksLikePickle(bytes: Uint8Array): boolean {
  return bytes[0] === 0x80 && bytes[1]! <= 5 && bytes.subarray(4, 8).some((byte) => byte !== 0);
}

/** Field 1 of an ONNX ModelProto is its version, a small number; a string (producer) or the graph follows. */
function isOnnx(bytes: Uint8Array): boolean {
  const nextFields = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42];
  return bytes[0] === 0x08 && bytes[1]! > 0 && bytes[1]! < 0x20 && nextFields.includes(bytes[2]!);
}

const unfinished = /\.(crdownload|part|partial|download|incomplete|aria2|opdownload|!qb|tmp)$/i;

/** What a file's name says about a download that has not ended, as a sentence; "" where it says nothing. */
export function unfinishedByName(path: string): string {
  const ending = unfinished.exec(path)?.[0];
  return ending
    ? ` Its name ends in ${ending}: its download has not finished; wait for it, or download it again.`
    : "";
}

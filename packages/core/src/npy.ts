import { UnSAMError } from "./errors.js";
import { checkLimits, type Limits } from "./limits/index.js";
import { parseNpyHeader } from "./npy-header.js";
import { elementCount, type Tensor } from "./tensor.js";

const MAGIC = "\x93NUMPY";
/** Headers of plain arrays take about a hundred bytes; NumPy's own reader has the same limit. */
const DEFAULT_MAX_HEADER_BYTES = 10_000;

/**
 * Reads a `.npy` file (NumPy format 1.0, 2.0 or 3.0, little-endian float32 or float64, C order) as float32. The bytes are
 * not trusted: throws `E_BAD_FILE`, naming what was found. `name` begins the sentence.
 */
export function parseNpy(
  bytes: Uint8Array,
  name = "The .npy file",
  limits: Pick<Limits, "maxHeaderBytes"> = {},
): Tensor {
  checkLimits(limits);
  const { maxHeaderBytes = DEFAULT_MAX_HEADER_BYTES } = limits;
  const refuse = (why: string) => new UnSAMError("E_BAD_FILE", `${name} ${why}.`);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || buffer.toString("latin1", 0, 6) !== MAGIC) {
    throw refuse("is not a NumPy array: it does not begin with the .npy signature");
  }
  const [major, minor] = [buffer[6], buffer[7]];
  if (major < 1 || major > 3 || minor !== 0) {
    throw refuse(`has version ${major}.${minor} of the .npy format; 1.0, 2.0 and 3.0 are known`);
  }
  const start = major === 1 ? 10 : 12;
  const headerLength = major === 1 ? buffer.readUInt16LE(8) : buffer.readUInt32LE(8);
  if (start + headerLength > buffer.length) throw refuse("ends inside its header; it is truncated");
  if (headerLength > maxHeaderBytes) {
    throw refuse(
      `has a header of ${headerLength} bytes, more than the limit of ${maxHeaderBytes} (maxHeaderBytes)`,
    );
  }
  const text = buffer.toString("latin1", start, start + headerLength);
  const header = parseNpyHeader(text);
  if (!header) throw refuse(`has a malformed header: ${JSON.stringify(text.trim().slice(0, 80))}`);
  const { descr, fortranOrder, shape } = header;
  if (fortranOrder) throw refuse("is in Fortran order; save it with numpy.ascontiguousarray");
  if (descr !== "<f4" && descr !== "<f8") {
    throw refuse(`holds ${JSON.stringify(descr)}; float32 ("<f4") or float64 is needed`);
  }
  const count = elementCount(shape);
  const width = descr === "<f4" ? 4 : 8;
  // Compared before anything is allocated: the file is as large as its array.
  if (!Number.isSafeInteger(count) || start + headerLength + count * width !== buffer.length) {
    throw refuse(
      `says shape (${shape.join(", ")}) but holds ${buffer.length - start - headerLength} bytes of data`,
    );
  }
  const data = new Float32Array(count);
  const view = new DataView(buffer.buffer, buffer.byteOffset + start + headerLength, count * width);
  for (let i = 0; i < count; i++) {
    data[i] = width === 4 ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true);
  }
  return { data, shape };
}

/** Writes a tensor as `.npy` (format 1.0, little-endian float32, C order). */
export function formatNpy(tensor: Tensor): Uint8Array {
  const sides = tensor.shape.join(", ") + (tensor.shape.length === 1 ? "," : "");
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sides}), }`;
  // The format wants the data aligned to 64 bytes and the header ended by a newline.
  const unpadded = 10 + dictionary.length + 1;
  const header = `${dictionary}${" ".repeat((64 - (unpadded % 64)) % 64)}\n`;
  const bytes = new Uint8Array(10 + header.length + tensor.data.length * 4);
  bytes.set(Buffer.from(MAGIC, "latin1"), 0);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, header.length, true);
  bytes.set(Buffer.from(header, "latin1"), 10);
  bytes.set(
    new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength),
    10 + header.length,
  );
  return bytes;
}

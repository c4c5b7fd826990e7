import { UnSAMError } from "./errors.js";
import { elementCount, type Tensor } from "./tensor.js";

const MAGIC = "\x93NUMPY";

/**
 * Reads a `.npy` file (NumPy format 1.0–3.0, little-endian float32 or float64, C order) as float32.
 * Throws `E_BAD_FILE`, naming what was found.
 */
export function parseNpy(bytes: Uint8Array, name = "the .npy file"): Tensor {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || buffer.toString("latin1", 0, 6) !== MAGIC) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${name} is not a NumPy array: it does not begin with the .npy signature.`,
    );
  }
  const wide = buffer[6] >= 2;
  const start = wide ? 12 : 10;
  const headerLength = wide ? buffer.readUInt32LE(8) : buffer.readUInt16LE(8);
  if (start + headerLength > buffer.length) {
    throw new UnSAMError("E_BAD_FILE", `${name} ends inside its header; it is truncated.`);
  }
  const header = buffer.toString("latin1", start, start + headerLength);
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (type === undefined || shapeText === undefined) {
    throw new UnSAMError("E_BAD_FILE", `${name} has a malformed header: ${header.trim().slice(0, 80)}`);
  }
  if (/'fortran_order':\s*True/.test(header)) {
    throw new UnSAMError("E_BAD_FILE", `${name} is in Fortran order; save it with numpy.ascontiguousarray.`);
  }
  if (type !== "<f4" && type !== "<f8") {
    throw new UnSAMError("E_BAD_FILE", `${name} holds ${type}; float32 ('<f4') or float64 is needed.`);
  }
  const shape = shapeText
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const count = elementCount(shape);
  const width = type === "<f4" ? 4 : 8;
  if (!Number.isSafeInteger(count) || start + headerLength + count * width !== buffer.length) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${name} says shape (${shape.join(", ")}) but holds ${buffer.length - start - headerLength} bytes of data.`,
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

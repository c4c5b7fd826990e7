import {
  openSafetensors,
  type SafetensorsFile,
  type TensorToWrite,
  writeSafetensors,
} from "@unsam/core/checkpoint";
import type { EngineInfo, ImageState, StateTensor } from "@unsam/core/engine";
import { shownValue, UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import { Budget, checkLimits, checkPixels, type Limits } from "@unsam/core/limits";
import { elementCount } from "@unsam/core/tensor";

/** Format of a saved encoding: docs/encoded-image.md. Raised whenever an older reader could misread a file. */
const FORMAT = "unsam-encoded-image";
const VERSION = "1";

/** What the model needs to restore an encoding. Throws `E_UNSUPPORTED` where it cannot. */
export function checkRestores({ name, capabilities }: EngineInfo): { readonly bytesPerPixel: number } {
  if (capabilities.restore) return capabilities.restore;
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `Encodings of ${name} can be neither saved nor loaded; keep the photo and encode it again.`,
  );
}

export async function writeEncodedImage(
  path: string,
  state: ImageState,
  about: { width: number; height: number; engine: EngineInfo },
): Promise<void> {
  const entries: TensorToWrite[] = [...state.tensors].map(([name, { data, shape, half }]) => {
    if (data instanceof Float32Array) return { name, dtype: half ? "float16" : "float32", shape, data };
    if (data instanceof Int32Array) return { name, dtype: "int32", shape, data };
    return { name, dtype: "uint8", shape, data };
  });
  await writeSafetensors(path, entries, {
    format: FORMAT,
    version: VERSION,
    width: `${about.width}`,
    height: `${about.height}`,
    model: about.engine.name,
    fingerprint: about.engine.fingerprint,
  });
}

/** The strings of its metadata and four entries; a longer header is that of something else. */
const MOST_HEADER_BYTES = 64 * 1024;

export interface EncodedImageLimits extends Limits {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads what `writeEncodedImage` wrote. The file is not trusted: its header, the size of its photo and what its arrays take
 * are checked against the limits before any array is read. Throws `E_BAD_FILE`, `E_BAD_OPTION`, or the signal's reason.
 */
export async function readEncodedImage(
  path: string,
  engine: EngineInfo,
  limits: EncodedImageLimits = {},
): Promise<{ state: ImageState; width: number; height: number }> {
  checkLimits(limits);
  const { bytesPerPixel } = checkRestores(engine);
  const { maxPixels, maxBytes, maxHeaderBytes = MOST_HEADER_BYTES, signal } = limits;
  const what = "The saved encoding";
  const name = `${what} ${shown(path)}`;
  const file = await openSafetensors(path, { what, code: "E_BAD_FILE", maxHeaderBytes, signal });
  try {
    const size = checkMetadata(file, name, engine);
    checkPixels(name, size, maxPixels);
    const budget = new Budget(name, maxBytes);
    budget.take(bytesPerPixel * size.width * size.height);
    for (const { dtype, shape } of file.tensors.values()) {
      // Everything is read as float32; numbers of other kinds are then copied.
      budget.take((dtype === "int32" || dtype === "uint8" ? 8 : 4) * elementCount(shape));
    }
    const tensors = new Map<string, StateTensor>();
    for (const [tensor, { dtype, shape }] of file.tensors) {
      signal?.throwIfAborted();
      const { data } = await file.read(tensor);
      checkFinite(data, name, tensor);
      const whole =
        dtype === "int32" ? new Int32Array(data) : dtype === "uint8" ? new Uint8Array(data) : data;
      tensors.set(tensor, { data: whole, shape, half: dtype === "float16" });
    }
    signal?.throwIfAborted();
    return { state: { tensors }, ...size };
  } finally {
    await file.close();
  }
}

/** Whether this is an encoding of this model, of this version of the format; the size of its photo. */
function checkMetadata(
  { metadata }: SafetensorsFile,
  name: string,
  engine: EngineInfo,
): { width: number; height: number } {
  const { format, version, width, height, model, fingerprint } = metadata;
  if (format !== FORMAT) throw bad(`${name} is none: its format is ${shownValue(format)}, not "${FORMAT}".`);
  if (version !== VERSION) {
    throw bad(
      `${name} has format version ${shownValue(version)}; this release reads ${VERSION}. Encode the photo again.`,
    );
  }
  if (fingerprint !== engine.fingerprint) {
    throw bad(
      `${name} was made with ${shown(model)}, not with the model in use (${engine.name}); load that model or encode the photo again.`,
    );
  }
  const sides = [width, height].map((side) => (/^[1-9][0-9]{0,14}$/.test(side) ? Number(side) : Number.NaN));
  if (sides.some(Number.isNaN)) {
    throw bad(
      `${name} says the photo has ${shownValue(width)} × ${shownValue(height)} pixels; it is damaged.`,
    );
  }
  return { width: sides[0], height: sides[1] };
}

function checkFinite(data: Float32Array, name: string, tensor: string): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    throw bad(
      `${name} is damaged: its array ${shownValue(tensor)} holds ${data[i]}. Encode the photo again.`,
    );
  }
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", message);
}

import { openCheckpoint, type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import type { EngineInfo, ImageState, StateTensor } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";

/** Format of a saved encoding: docs/encoded-image.md. Raised whenever an older reader could misread a file. */
const FORMAT = "unsam-encoded-image";
const VERSION = "1";

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

export async function readEncodedImage(
  path: string,
  engine: EngineInfo,
): Promise<{ state: ImageState; width: number; height: number }> {
  const file = await openCheckpoint(path).catch((cause) => {
    throw new UnSAMError("E_BAD_FILE", `${path} is no saved encoding: ${cause.message}`, { cause });
  });
  try {
    const { format, version, width, height, model, fingerprint } = file.metadata;
    if (format !== FORMAT)
      throw new UnSAMError("E_BAD_FILE", `${path} is no saved encoding (its format is ${format}).`);
    if (version !== VERSION) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `${path} has format version ${version}; this release reads ${VERSION}. Encode the photo again.`,
      );
    }
    if (fingerprint !== engine.fingerprint) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `${path} was encoded with ${model}, not with the model in use (${engine.name}); load that model or encode the photo again.`,
      );
    }
    const size = { width: Number(width), height: Number(height) };
    if (
      !(
        Number.isSafeInteger(size.width) &&
        size.width > 0 &&
        Number.isSafeInteger(size.height) &&
        size.height > 0
      )
    ) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `${path} says the photo has ${width} × ${height} pixels; it is damaged.`,
      );
    }
    const tensors = new Map<string, StateTensor>();
    for (const [name, { dtype, shape }] of file.tensors) {
      const { data } = await file.read(name);
      const whole =
        dtype === "int32" ? new Int32Array(data) : dtype === "uint8" ? new Uint8Array(data) : data;
      tensors.set(name, { data: whole, shape, half: dtype === "float16" });
    }
    return { state: { tensors }, ...size };
  } catch (cause) {
    if (cause instanceof UnSAMError && cause.code === "E_BAD_FILE") throw cause;
    throw new UnSAMError("E_BAD_FILE", `${path} is damaged: ${(cause as Error).message}`, { cause });
  } finally {
    await file.close();
  }
}

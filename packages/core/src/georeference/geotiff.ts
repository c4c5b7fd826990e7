import type { FileHandle } from "node:fs/promises";
import type { Abortable } from "../abortable.js";
import { UnSAMError } from "../errors.js";
import { openRegularFile, reasonOf, shown } from "../files/index.js";
import { type GeoTransform, isSound } from "./transform.js";

// OGC GeoTIFF 1.1 (19-008r4), chapters 7 and B; TIFF 6.0, section 2; BigTIFF.

const TAGS = { orientation: 274, pixelScale: 33550, tiepoint: 33922, transformation: 34264, geoKeys: 34735 };
const KEYS = { rasterType: 1025, geographic: 2048, projected: 3072 };
const PIXEL_IS_POINT = 2;
/** Codes from here on are "user-defined", or private. */
const FIRST_PRIVATE = 32767;
const TYPE_BYTES: Readonly<Record<number, number>> = { 3: 2, 12: 8 };
/** More is no directory, and no list of keys, that we know. */
const MOST_ENTRIES = 4096;
const MOST_VALUES = 4096;

/**
 * Where a GeoTIFF lies on the map, by its own tags; null: it has none of them, or is no TIFF. Only its directory is read.
 * Throws `E_BAD_FILE` where these tags cannot be what they must be, `E_IO`, or the signal's reason.
 */
export async function readGeoTiff(file: string, signal?: Abortable): Promise<GeoTransform | null> {
  const options = { what: "The photo", code: "E_BAD_FILE", systemCode: "E_IO", signal } as const;
  const { handle, size } = await openRegularFile(file, options);
  try {
    const head = await read(handle, 0, Math.min(16, size));
    const mark = String.fromCharCode(...new Uint8Array(head.buffer).subarray(0, 4));
    if (!["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(mark)) return null;
    const tags = await readTags(handle, head, size);
    return transformOf(tags);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const why = UnSAMError.isInstance(cause) ? cause.message : reasonOf(cause);
    throw new UnSAMError("E_BAD_FILE", `The georeference of ${shown(file)} cannot be read: ${why}.`, {
      cause,
    });
  } finally {
    await handle.close();
  }
}

type Tags = ReadonlyMap<number, readonly number[]>;

async function readTags(handle: FileHandle, head: DataView, size: number): Promise<Tags> {
  const little = head.getUint8(0) === 0x49;
  const isBig = head.getUint16(2, little) === 43;
  const offsetAt = (view: DataView, at: number) =>
    isBig ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const [countBytes, entryBytes, fieldBytes] = isBig ? [8, 20, 8] : [2, 12, 4];
  const first = offsetAt(head, isBig ? 8 : 4);
  const counted = await read(handle, first, countBytes, size);
  const count = isBig ? Number(counted.getBigUint64(0, little)) : counted.getUint16(0, little);
  if (count > MOST_ENTRIES) throw new Error(`it has ${count} tags`);
  const directory = await read(handle, first + countBytes, count * entryBytes, size);
  const wanted = new Set(Object.values(TAGS));
  const tags = new Map<number, number[]>();
  for (let at = 0; at < directory.byteLength; at += entryBytes) {
    const tag = directory.getUint16(at, little);
    if (!wanted.has(tag)) continue;
    const type = directory.getUint16(at + 2, little);
    const length = offsetAt(directory, at + 4);
    const bytes = TYPE_BYTES[type];
    if (bytes === undefined || length > MOST_VALUES)
      throw new Error(`tag ${tag} has ${length} values of type ${type}`);
    const field = at + entryBytes - fieldBytes;
    const values =
      length * bytes <= fieldBytes
        ? new DataView(directory.buffer, directory.byteOffset + field, fieldBytes)
        : await read(handle, offsetAt(directory, field), length * bytes, size);
    tags.set(
      tag,
      Array.from({ length }, (_, k) =>
        type === 3 ? values.getUint16(2 * k, little) : values.getFloat64(8 * k, little),
      ),
    );
  }
  return tags;
}

function transformOf(tags: Tags): GeoTransform | null {
  const matrix = tags.get(TAGS.transformation);
  const scale = tags.get(TAGS.pixelScale);
  const tie = tags.get(TAGS.tiepoint);
  if (!matrix && !(scale && tie)) return null;
  if ((tags.get(TAGS.orientation)?.[0] ?? 1) !== 1) throw new Error("the photo is turned (tag 274)");
  const [a, b, c, d, e, f] = matrix
    ? [matrix[0], matrix[1], matrix[3], matrix[4], matrix[5], matrix[7]]
    : fromTiepoint(scale as readonly number[], tie as readonly number[]);
  const keys = geoKeysOf(tags.get(TAGS.geoKeys) ?? []);
  // Points of the raster are then the centres of its pixels, and ours begin half a pixel earlier.
  const shift = keys.get(KEYS.rasterType) === PIXEL_IS_POINT ? 0.5 : 0;
  const coefficients = [a, b, c - shift * (a + b), d, e, f - shift * (d + e)] as const;
  if (!isSound(coefficients)) throw new Error("its tags do not place an image");
  const code = keys.get(KEYS.projected) ?? keys.get(KEYS.geographic);
  return { coefficients, epsg: code !== undefined && code > 0 && code < FIRST_PRIVATE ? code : null };
}

/** Raster point I, J lies at X, Y; y of the map grows upwards. */
function fromTiepoint([sx, sy]: readonly number[], tie: readonly number[]): number[] {
  if (tie.length !== 6) throw new Error(`it has ${tie.length / 6} tie points, and only one is read`);
  const [i, j, , x, y] = tie;
  return [sx, 0, x - i * sx, 0, -sy, y + j * sy];
}

/** Keys whose value is in the directory itself: version, revision, minor, count, then key, place, count, value. */
function geoKeysOf(values: readonly number[]): Map<number, number> {
  const keys = new Map<number, number>();
  for (let k = 4; k + 3 < values.length; k += 4) if (values[k + 1] === 0) keys.set(values[k], values[k + 3]);
  return keys;
}

async function read(handle: FileHandle, at: number, length: number, size = length): Promise<DataView> {
  if (at + length > size && size !== length) throw new Error("it points behind its end");
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, at);
  if (bytesRead < length) throw new Error("it ends too early");
  return new DataView(bytes.buffer);
}

import { readFile, stat } from "node:fs/promises";
import { UnSAMError } from "@unsam/core/errors";
import { writeWholeFile } from "@unsam/core/files";
import { checkRLE, encodeRLE, packRLE, type RLE, unpackMask } from "@unsam/core/mask";
import type { SceneData, SceneEntry } from "./scene-data.js";

// The scene file, docs/scene-file.md. Worker side: reading and writing take a while for thousands of masks.

const FORMAT = "unsam-scene";
/** Raised whenever an older reader could misread a file. */
const VERSION = 1;

/** No scene is larger; JSON text beyond it does not fit into a string. */
const MOST_BYTES = 512 * 2 ** 20 - 64;
const MOST_MASKS = 16_384;

/** Text is handed to the system in pieces of about this many characters. */
const PIECE = 4 * 2 ** 20;

/** What a scene is made from, read from a file; the rest follows. */
export interface StoredScene {
  readonly width: number;
  readonly height: number;
  readonly containment: number;
  readonly entries: SceneEntry[];
}

/** Writes a scene under a temporary name, then renames. Throws `E_IO`. */
export async function writeSceneFile(path: string, scene: SceneData): Promise<void> {
  try {
    await writeWholeFile(path, async (file) => {
      let text = "";
      for (const piece of sceneText(scene)) {
        text += piece;
        if (text.length < PIECE) continue;
        await file.writeFile(text);
        text = "";
      }
      await file.writeFile(text);
    });
  } catch (cause) {
    throw new UnSAMError("E_IO", `${path} could not be written: ${(cause as Error).message}.`, { cause });
  }
}

/** The text of the file, one mask a line. */
export function* sceneText({ width, height, containment, entries, forest }: SceneData): Generator<string> {
  const head = { format: FORMAT, version: VERSION, width, height, containment };
  yield `${JSON.stringify(head).slice(0, -1)},"masks":[`;
  for (const [i, { mask, score, stability, granularity, point }] of entries.entries()) {
    const { counts } = encodeRLE(unpackMask(mask), width, height, true);
    const parent = forest.parent[i] < 0 ? null : forest.parent[i];
    const level = forest.level[i];
    yield `${i === 0 ? "" : ","}\n${JSON.stringify({ score, stability, granularity, point, parent, level, counts })}`;
  }
  yield "\n]}\n";
}

/** Reads what `writeSceneFile` wrote. Throws `E_BAD_FILE`, `E_IO`. */
export async function readSceneFile(path: string, maxPixels: number): Promise<StoredScene> {
  const found = await stat(path).catch((cause) => {
    throw new UnSAMError("E_IO", `${path} cannot be read: ${cause.message}.`, { cause });
  });
  if (!found.isFile()) throw bad(path, "it is no regular file");
  if (found.size > MOST_BYTES) throw bad(path, `it has ${found.size} bytes, more than any scene`);
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new UnSAMError("E_IO", `${path} cannot be read: ${cause.message}.`, { cause });
  });
  return parseScene(text, path, maxPixels);
}

/** Checks every number of an untrusted scene. Throws `E_BAD_FILE`. */
export function parseScene(text: string, name: string, maxPixels: number): StoredScene {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw bad(name, `it is not JSON (${(cause as Error).message})`);
  }
  const { format, version, width, height, containment, masks } = fieldsOf(json, name, "it");
  if (format !== FORMAT) throw bad(name, `its format is ${shown(format)}, not "${FORMAT}"`);
  if (version !== VERSION) {
    throw bad(name, `it has version ${shown(version)}, and this release reads ${VERSION}`);
  }
  if (!isCount(width) || !isCount(height)) {
    throw bad(name, `it is for an image of ${shown(width)} × ${shown(height)} pixels`);
  }
  if (width * height > maxPixels) {
    throw bad(
      name,
      `it is for an image of ${width} × ${height} pixels, more than the limit of ${maxPixels} (maxPixels)`,
    );
  }
  if (!isShare(containment)) throw bad(name, `its containment is ${shown(containment)}`);
  if (!Array.isArray(masks) || masks.length > MOST_MASKS) {
    throw bad(name, `its masks are not a list of at most ${MOST_MASKS}`);
  }
  const entries = masks.map((mask, i) => parseEntry(mask, width, height, name, i));
  return { width, height, containment, entries };
}

function parseEntry(value: unknown, width: number, height: number, name: string, i: number): SceneEntry {
  const { score, stability, granularity, point, counts } = fieldsOf(value, name, `mask ${i}`);
  if (!isNumber(score)) throw bad(name, `mask ${i} has the score ${shown(score)}`);
  if (!isNumber(stability)) throw bad(name, `mask ${i} has the stability ${shown(stability)}`);
  if (!isShare(granularity)) throw bad(name, `mask ${i} has the granularity ${shown(granularity)}`);
  if (typeof counts !== "string") throw bad(name, `mask ${i} has counts that are no string`);
  if (point !== null && !(Array.isArray(point) && point.length === 2 && point.every(isNumber))) {
    throw bad(name, `mask ${i} has the point ${shown(point)}`);
  }
  const rle: RLE = { size: [height, width], counts };
  try {
    const at = point === null ? null : ([point[0], point[1]] as const);
    return { mask: packRLE(checkRLE(rle, width * height)), score, stability, granularity, point: at };
  } catch (cause) {
    throw bad(name, `mask ${i}: ${(cause as Error).message}`);
  }
}

function fieldsOf(value: unknown, name: string, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw bad(name, `${what} is ${shown(value)}, not an object`);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isShare(value: unknown): value is number {
  return isNumber(value) && value >= 0 && value <= 1;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function bad(name: string, why: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `${name} is no scene that can be read: ${why}.`);
}

import { shownValue, UnSAMError } from "@unsam/core/errors";
import { parseJson, readFileText, shown, writePieces } from "@unsam/core/files";
import { sceneBytes } from "@unsam/core/fusion";
import { Budget, checkPixels, type Limits } from "@unsam/core/limits";
import { boxBytes, type CheckedRLE, checkRLE, encodePackedRLE, packRLE } from "@unsam/core/mask";
import type { Abortable } from "@unsam/core/runtime";
import type { SavedScene, SceneEntry } from "./scene-data.js";

// The scene file, docs/scene-file.md. Worker side: reading and writing take a while for thousands of masks.

const FORMAT = "unsam-scene";
/** Raised whenever an older reader could misread a file. */
const VERSION = 1;

/** No scene is larger; JSON text beyond it does not fit into a string. */
const MOST_BYTES = 512 * 2 ** 20 - 64;
const MOST_MASKS = 16_384;
/** What we write has a dozen values a mask; other writers may add some. */
const MOST_VALUES = 64 * MOST_MASKS;

/** What a scene is made from, read from a file; the rest follows. */
export interface StoredScene {
  readonly width: number;
  readonly height: number;
  readonly containment: number;
  readonly entries: SceneEntry[];
}

/** Writes a scene under a temporary name, then renames. Throws `E_IO`, and what `signal` throws. */
export async function writeSceneFile(path: string, scene: SavedScene, signal: Abortable): Promise<void> {
  await writePieces(path, sceneText(scene), signal);
}

/** The text of the file, one mask a line. */
export function* sceneText({ width, height, containment, entries, forest }: SavedScene): Generator<string> {
  const head = { format: FORMAT, version: VERSION, width, height, containment };
  yield `${JSON.stringify(head).slice(0, -1)},"masks":[`;
  for (const [i, { mask, score, stability, granularity, point }] of entries.entries()) {
    const { counts } = encodePackedRLE(mask, true);
    const parent = forest.parent[i] < 0 ? null : forest.parent[i];
    const level = forest.level[i];
    yield `${i === 0 ? "" : ","}\n${JSON.stringify({ score, stability, granularity, point, parent, level, counts })}`;
  }
  yield "\n]}\n";
}

/** Reads what `writeSceneFile` wrote. Throws `E_BAD_FILE`, `E_IO`. */
export async function readSceneFile(path: string, limits: Limits, signal: Abortable): Promise<StoredScene> {
  const what = "The scene";
  const text = await readFileText(path, {
    what,
    code: "E_BAD_FILE",
    systemCode: "E_IO",
    maxBytes: MOST_BYTES,
    signal,
  });
  signal.throwIfAborted();
  return parseScene(text, `${what} ${shown(path)}`, limits, signal);
}

/**
 * Checks every number of an untrusted scene, and what it would take against `limits`, before anything of it is filled.
 * `name` begins the sentences of errors. Throws `E_BAD_FILE`, and what `signal` throws.
 */
export function parseScene(text: string, name: string, limits: Limits, signal?: Abortable): StoredScene {
  const json = parseJson(text, name, "E_BAD_FILE", MOST_VALUES);
  const { format, version, width, height, containment, masks } = fieldsOf(json, name, "it");
  if (format !== FORMAT) throw bad(name, `its format is ${shownValue(format)}, not "${FORMAT}"`);
  if (version !== VERSION) {
    throw bad(name, `it has version ${shownValue(version)}, and this release reads ${VERSION}`);
  }
  if (!isCount(width) || !isCount(height)) {
    throw bad(name, `it is for an image of ${shownValue(width)} × ${shownValue(height)} pixels`);
  }
  if (!isShare(containment)) throw bad(name, `its containment is ${shownValue(containment)}`);
  if (!Array.isArray(masks) || masks.length > MOST_MASKS) {
    throw bad(name, `its masks are not a list of at most ${MOST_MASKS}`);
  }
  checkPixels(name, { width, height }, limits.maxPixels);
  const budget = new Budget(name, limits.maxBytes);
  budget.take(sceneBytes(masks.length, width, height));
  const checked = masks.map((mask, i) => {
    signal?.throwIfAborted();
    const entry = checkEntry(mask, width, height, name, i);
    budget.take(boxBytes(entry.rle));
    return entry;
  });
  const entries = checked.map(({ rle, ...facts }): SceneEntry => {
    signal?.throwIfAborted();
    const mask = packRLE(rle);
    // A mask of many runs in each row takes more packed than its bits do.
    budget.take(mask.data.byteLength);
    return { mask, ...facts };
  });
  return { width, height, containment, entries };
}

interface CheckedEntry extends Omit<SceneEntry, "mask"> {
  readonly rle: CheckedRLE;
}

function checkEntry(value: unknown, width: number, height: number, name: string, i: number): CheckedEntry {
  const { score, stability, granularity, point, counts } = fieldsOf(value, name, `mask ${i}`);
  if (!isNumber(score)) throw bad(name, `mask ${i} has the score ${shownValue(score)}`);
  if (!isNumber(stability)) throw bad(name, `mask ${i} has the stability ${shownValue(stability)}`);
  if (!isShare(granularity)) throw bad(name, `mask ${i} has the granularity ${shownValue(granularity)}`);
  if (typeof counts !== "string") throw bad(name, `mask ${i} has counts that are no string`);
  if (point !== null && !(Array.isArray(point) && point.length === 2 && point.every(isNumber))) {
    throw bad(name, `mask ${i} has the point ${shownValue(point)}`);
  }
  const at = point === null ? null : ([point[0], point[1]] as const);
  try {
    const rle = checkRLE({ size: [height, width], counts }, Number.POSITIVE_INFINITY);
    return { rle, score, stability, granularity, point: at };
  } catch (cause) {
    throw bad(name, `mask ${i}: ${(cause as Error).message.replace(/\.$/, "")}`);
  }
}

function fieldsOf(value: unknown, name: string, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw bad(name, `${what} is ${shownValue(value)}, not an object`);
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

function bad(name: string, why: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `${name} is no scene that can be read: ${why}.`);
}

import { createHash } from "node:crypto";
import { UnSAMError } from "../../errors.js";
import { shown } from "../../files/index.js";
import type { Tensor } from "../../tensor.js";
import type { WeightInfo, WeightSource } from "./weights.js";

/** Key of weights that lie at the top of a file, below no key. */
const TOP = ".";
/** How many places a message lists. */
const NAMED = 8;
/** More models than this in one file are no file that anybody made for use. */
const MOST_PLACES = 64;

/** What PyTorch's wrappers (DataParallel, compile, FSDP, activation checkpointing) put into names of tensors. */
const WRAPPERS = new Set([
  "module",
  "_orig_mod",
  "_forward_module",
  "_fsdp_wrapped_module",
  "_checkpoint_wrapped_module",
]);

/** All tensors of a checkpoint, under their full names. A `Checkpoint` is one. */
export interface NamedTensors {
  readonly path?: string;
  readonly tensors: ReadonlyMap<string, WeightInfo>;
  read(name: string): Promise<Tensor>;
}

/** A place in a checkpoint where a model's weights lie: a state dict under a key, or names with a common prefix. */
export interface WeightPlace {
  /** As the option `weights` names it: the full prefix without its last dot; "." for none. */
  readonly key: string;
  readonly tensors: number;
}

/** The weights of one model, under their official names. */
export interface FoundWeights extends WeightSource {
  readonly path?: string;
  /** The place they were taken from, and all places that would have done. */
  readonly place: WeightPlace;
  readonly places: readonly WeightPlace[];
}

export interface FindWeightsOptions {
  /** Official names of a few tensors, of every part of the model: they tell where its weights lie. */
  readonly marks: readonly string[];
  /** What the marks belong to, for messages: "nano model". */
  readonly what: string;
  /** Key of the place to take; needed where there are several. */
  readonly key?: string | undefined;
}

/**
 * Finds a model's weights in a checkpoint by its tensors: the prefix under which the marks have their official names is
 * stripped, whatever it is (a key such as `model` or `ema`, `module.` and `_orig_mod.` of wrappers, any mix of them).
 * Throws `E_BAD_CHECKPOINT` where there is none, or where there are several and no key says which; `E_BAD_OPTION` for a
 * key that is not there.
 */
export function findWeights(source: NamedTensors, options: FindWeightsOptions): FoundWeights {
  const names = [...source.tensors.keys()];
  const prefixes = prefixesOf(names, options.marks);
  if (prefixes.length > MOST_PLACES) throw bad(source, `holds the weights of ${prefixes.length} models.`);
  const places = prefixes.map((prefix) => placeAt(names, prefix, prefixes));
  const prefix =
    options.key === undefined
      ? onlyPrefix(source, prefixes, places, options)
      : prefixOfKey(source, options.key, names, prefixes, places);
  const official = new Map<string, string>();
  for (const name of namesBelow(names, prefix, prefixes)) {
    const plain = withoutWrappers(name.slice(prefix.length));
    if (official.has(plain)) {
      throw bad(
        source,
        `holds both ${shown(official.get(plain))} and ${shown(name)}; only one can be ${shown(plain)}.`,
      );
    }
    official.set(plain, name);
  }
  return {
    ...(source.path === undefined ? {} : { path: source.path }),
    place: placeAt(names, prefix, prefixes),
    places,
    tensors: new Map([...official].map(([plain, name]) => [plain, source.tensors.get(name)!])),
    async read(plain) {
      const name = official.get(plain);
      if (name === undefined) throw bad(source, `has no tensor ${shown(plain)}.`);
      return source.read(name);
    },
  };
}

/** Where weights lie that have the marks of a model. */
export function weightPlaces({ tensors }: NamedTensors, marks: readonly string[]): WeightPlace[] {
  const names = [...tensors.keys()];
  const prefixes = prefixesOf(names, marks).slice(0, MOST_PLACES);
  return prefixes.map((prefix) => placeAt(names, prefix, prefixes));
}

function placeAt(names: readonly string[], prefix: string, prefixes: readonly string[]): WeightPlace {
  const key = prefix === "" ? TOP : prefix.slice(0, -1);
  return { key, tensors: namesBelow(names, prefix, prefixes).length };
}

/**
 * Binds what was made with weights to them: the file's SHA-256, and where the file holds several, the key that was taken.
 */
export function weightsFingerprint(file: string, { place, places }: FoundWeights): string {
  if (places.length <= 1) return file;
  return createHash("sha256").update(`${file} ${place.key}`).digest("hex");
}

/** The prefixes under which most parts of the model have a tensor of the right name, in the order of the file. */
function prefixesOf(names: readonly string[], marks: readonly string[]): string[] {
  const marked = marks.map((mark) => mark.split("."));
  const parts = new Map<string, Set<string>>();
  for (const name of names) {
    const segments = name.split(".");
    for (const mark of marked) {
      const length = prefixLength(segments, mark);
      if (length === null) continue;
      const prefix = segments
        .slice(0, length)
        .map((segment) => `${segment}.`)
        .join("");
      const found = parts.get(prefix) ?? new Set();
      parts.set(prefix, found.add(mark[0]!));
    }
  }
  const most = Math.max(0, ...[...parts.values()].map(({ size }) => size));
  return [...parts].filter(([, { size }]) => size === most).map(([prefix]) => prefix);
}

/** Segments before the mark, where a name ends in it but for what wrappers put in between; null where it does not. */
function prefixLength(segments: readonly string[], mark: readonly string[]): number | null {
  let at = segments.length;
  for (let i = mark.length - 1; i >= 0; i--) {
    do at--;
    while (at >= 0 && i < mark.length - 1 && segments[at] !== mark[i] && WRAPPERS.has(segments[at]!));
    if (segments[at] !== mark[i]) return null;
  }
  return at;
}

/** Names that begin with a prefix, but not with a longer one that is another place. */
function namesBelow(names: readonly string[], prefix: string, prefixes: readonly string[]): string[] {
  const inner = prefixes.filter((other) => other.length > prefix.length && other.startsWith(prefix));
  return names.filter((name) => name.startsWith(prefix) && !inner.some((other) => name.startsWith(other)));
}

function withoutWrappers(name: string): string {
  return name
    .split(".")
    .filter((segment) => !WRAPPERS.has(segment))
    .join(".");
}

function onlyPrefix(
  source: NamedTensors,
  prefixes: readonly string[],
  places: readonly WeightPlace[],
  { what }: FindWeightsOptions,
): string {
  if (prefixes.length === 1) return prefixes[0]!;
  if (prefixes.length > 1) {
    throw bad(
      source,
      `holds the weights of ${prefixes.length} models: ${listed(places)}; say which with the option weights (--weights KEY).`,
    );
  }
  const some = [...source.tensors.keys()].slice(0, 3).map(shown).join(", ");
  throw bad(
    source,
    `holds no ${what}: none of its ${source.tensors.size} tensors (${some}${source.tensors.size > 3 ? " …" : ""}) has a name ` +
      `of one. ${otherModel(source.tensors)}`,
  );
}

/** The place that a key means: its full prefix, the same without wrappers, or the one place below it. */
function prefixOfKey(
  source: NamedTensors,
  key: string,
  names: readonly string[],
  prefixes: readonly string[],
  places: readonly WeightPlace[],
): string {
  const wanted = key === TOP || key === "" ? "" : `${key.replace(/\.$/, "")}.`;
  const exact = prefixes.find((prefix) => prefix === wanted);
  if (exact !== undefined) return exact;
  const plain = prefixes.filter((prefix) => withoutWrappers(prefix) === wanted);
  const below = plain.length > 0 ? plain : prefixes.filter((prefix) => wanted && prefix.startsWith(wanted));
  if (below.length === 1) return below[0]!;
  if (below.length === 0 && wanted !== "" && names.some((name) => name.startsWith(wanted))) return wanted;
  const problem = below.length > 1 ? `names ${below.length} places` : "is no place in it";
  throw new UnSAMError(
    "E_BAD_OPTION",
    `${nameOf(source)}: weights is ${shown(key)}, which ${problem}; weights of a model lie under ${listed(places)}.`,
  );
}

function listed(places: readonly WeightPlace[]): string {
  if (places.length === 0) return "no key";
  const shownPlaces = places.slice(0, NAMED).map(({ key, tensors }) => {
    return `${shown(key)} (${key === TOP ? "the top, " : ""}${tensors} tensors)`;
  });
  const more = places.length - NAMED;
  return shownPlaces.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Models that people take for a SAM 2 checkpoint, told by their names. */
function otherModel(tensors: NamedTensors["tensors"]): string {
  const has = (pattern: RegExp) => [...tensors.keys()].some((name) => pattern.test(name));
  if (has(/(^|\.)vision_encoder\./) && has(/(^|\.)mask_decoder\./)) {
    return "Its names are those of Hugging Face transformers; take the original .pt file from the same page.";
  }
  if (has(/(^|\.)image_encoder\.(blocks|patch_embed)\./) && has(/(^|\.)mask_decoder\./)) {
    return "Its names are those of the first SAM (2023); give a checkpoint of UnSAMv2, SAM 2 or SAM 2.1.";
  }
  return "Give a checkpoint of UnSAMv2, SAM 2, SAM 2.1 or EfficientTAM.";
}

function nameOf({ path }: NamedTensors): string {
  return path === undefined ? "The checkpoint" : `Checkpoint ${shown(path)}`;
}

function bad(source: NamedTensors, problem: string): UnSAMError {
  return new UnSAMError("E_BAD_CHECKPOINT", `${nameOf(source)} ${problem}`);
}

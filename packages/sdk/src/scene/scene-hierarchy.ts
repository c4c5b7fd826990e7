import { shownValue, UnSAMError } from "@unsam/core/errors";
import { GRANULARITY_STEPS, type LogitMaps, labelMapAt } from "@unsam/core/fusion";
import { type ImageInput, type RgbImage, toPNG } from "@unsam/core/image";
import { checkLimits, type Limits } from "@unsam/core/limits";
import { checkKeys } from "@unsam/core/options";
import { computeThreads } from "@unsam/core/runtime";
import sharp from "sharp";
import type { WrittenAnnotations } from "../annotations/write-files.js";
import { type WriteAnnotationsOptions, writePlain } from "../annotations/write-plain.js";
import { type Granularity, parseGranularity } from "../granularity.js";
import { drawOverPhoto } from "../photo-under-masks.js";
import { localAddon } from "../scene-data/addon.js";
import type { FusionOptions, SceneData, SceneEntry } from "../scene-data/scene-data.js";
import {
  type CocoOptions,
  type CocoScene,
  cocoAnnotationOf,
  cocoHeadOf,
  cocoOptions,
  type PolygonScene,
  polygonFeature,
  regionOf,
} from "./scene-export.js";
import { masksOfForest } from "./scene-forest.js";
import { LabelMap, SceneContours } from "./scene-maps.js";
import type { SceneMask } from "./scene-mask.js";

const worker = computeThreads().bind<typeof import("./scene.worker.js")>(
  new URL("./scene.worker.js", import.meta.url),
  "bulk",
);

const FUSION_KEYS = ["maxIoU", "containment", "signal"];

/** Logits handed over at once: copying them holds the event loop up for a few milliseconds. */
const LOGIT_BYTES = 16 * 2 ** 20;

/** What is known of each logit map; one value for each. */
export interface LogitFacts {
  readonly scores: ArrayLike<number>;
  /** Granularities, [0, 1]. */
  readonly granularities: ArrayLike<number>;
}

export interface OverlayOptions {
  /** Which granularity is painted (default 0.5); of several there is a picture each, side by side. */
  readonly granularity?: Granularity | readonly Granularity[] | undefined;
  /** The photo, where the scene was loaded from a file. */
  readonly image?: ImageInput | undefined;
  /** How much of the colours covers the photo, 0 to 1 (default 0.55). */
  readonly opacity?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportOptions extends WriteAnnotationsOptions {
  /** Name of the photo's file (default ""). */
  readonly fileName?: string | undefined;
}

export const EXPORT_KEYS = ["fileName", "format", "simplify", "georeference", "epsg", "signal"];

/**
 * All masks of an image as one nested scene: a forest from parts to wholes, and with it a label map at every
 * granularity. Immutable plain memory; nothing to dispose. How masks become a scene: docs/decisions/0010.
 */
export class SceneHierarchy {
  readonly width: number;
  readonly height: number;
  /** All masks, best score first. */
  readonly masks: readonly SceneMask[];
  /** Masks that lie in no other. */
  readonly roots: readonly SceneMask[];
  /**
   * The granularities at which `at` changes, ascending: from one to just below the next the map is the same. Empty where no
   * mask lies in another.
   */
  readonly levels: readonly number[];
  /** The label maps of all granularities in one. */
  readonly contours: SceneContours;
  readonly #data: SceneData;
  readonly #source: RgbImage | null;

  private constructor(data: SceneData, source: RgbImage | null) {
    const { width, height, entries, forest, contours } = data;
    this.width = width;
    this.height = height;
    this.#data = data;
    this.#source = source;
    this.contours = new SceneContours(contours);
    const masks = masksOfForest(entries, forest);
    this.masks = masks;
    this.roots = masks.filter(({ parent }) => parent === null);
    const changes = masks.filter(({ children }) => children.length > 0).map(({ id }) => forest.level[id]);
    this.levels = [...new Set(changes)].sort((a, b) => a - b).map((step) => step / GRANULARITY_STEPS);
  }

  /** @internal */
  static async build(
    entries: readonly SceneEntry[],
    size: { readonly width: number; readonly height: number },
    options: FusionOptions,
    source: RgbImage | null,
    signal?: AbortSignal,
  ): Promise<SceneHierarchy> {
    const data = await worker("build", [entries, size, options, await localAddon()], { signal });
    return new SceneHierarchy(data, source);
  }

  /**
   * Fuses masks given as low-resolution logits (unclamped, above 0 is foreground; NaN is background) into a scene of
   * the logits' size. The maps may lie in a `SharedArrayBuffer`. Throws `E_BAD_PROMPT`, `E_BAD_OPTION`.
   */
  static async fromLogits(
    maps: LogitMaps,
    { scores, granularities }: LogitFacts,
    options: FusionOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<SceneHierarchy> {
    checkKeys(options, FUSION_KEYS, "fromLogits");
    const { signal, ...fusion } = options;
    const { count, width, height, data } = maps;
    if (!(data instanceof Float32Array)) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `The data of the logit maps is ${shownValue(data)}; give a Float32Array.`,
      );
    }
    checkFacts("scores", scores, count, Number.MAX_VALUE);
    checkFacts("granularities", granularities, count, 1);
    if (data.length !== count * width * height) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `${count} logit maps of ${width} × ${height} take ${count * width * height} values, not ${data.length}.`,
      );
    }
    const addon = await localAddon();
    const run = await worker("openStack", [{ width, height }, addon], { signal });
    try {
      const perCall = Math.max(1, Math.floor(LOGIT_BYTES / (4 * width * height)));
      for (let start = 0; start < count; start += perCall) {
        const part = data.subarray(start * width * height, (start + perCall) * width * height);
        const maps = ownOrShared(part);
        const transfer = maps.buffer instanceof ArrayBuffer ? [maps.buffer] : [];
        await worker("addLogits", [run, maps], { signal, transfer });
      }
      const facts = Array.from({ length: count }, (_, k) => ({
        score: scores[k],
        granularity: granularities[k],
      }));
      return new SceneHierarchy(await worker("buildStack", [run, facts, fusion], { signal }), null);
    } finally {
      run.release().catch(() => {});
    }
  }

  /**
   * Who owns each pixel at a granularity: exactly one mask, the finest whose range covers it; where
   * branches overlap, the one of higher score (decided once, for all granularities). What lies in no mask is 0, the rest of
   * the scene. Of two granularities the coarser map is a union of regions of the finer one. Throws `E_BAD_PROMPT`.
   */
  at(granularity: Granularity): LabelMap {
    const number = oneGranularity(granularity);
    const { finest, forest } = this.#data;
    return new LabelMap(this, number, labelMapAt(finest, forest, number), this.masks);
  }

  /** The masks that own the pixel that holds (x, y) as granularity rises, from part to whole; empty where none does. */
  pick(x: number, y: number): SceneMask[] {
    if (!(x >= 0 && y >= 0 && x < this.width && y < this.height)) return [];
    const label = this.#data.finest[Math.floor(y) * this.width + Math.floor(x)];
    const chain: SceneMask[] = [];
    for (let mask = label === 0 ? null : this.masks[label - 1]; mask; mask = mask.parent) chain.push(mask);
    return chain;
  }

  /**
   * A scene of the masks of both; of masks that are the same the one of higher score stays. For what one model or one
   * run finds and another does not. Throws `E_BAD_PROMPT` where the sizes differ.
   */
  async merge(
    other: SceneHierarchy,
    options: FusionOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<SceneHierarchy> {
    checkKeys(options, FUSION_KEYS, "merge");
    const { signal, ...fusion } = options;
    if (this.width !== other.width || this.height !== other.height) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `Scenes of ${this.width} × ${this.height} and ${other.width} × ${other.height} pixels cannot be merged.`,
      );
    }
    const entries = [...this.#data.entries, ...other.#data.entries];
    const size = { width: this.width, height: this.height };
    return SceneHierarchy.build(entries, size, fusion, this.#source ?? other.#source, signal);
  }

  /** Writes the scene to a JSON file (docs/scene-file.md) that `load` reads back the same. Throws `E_IO`. */
  async save(path: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkKeys(options, ["signal"], "save");
    const { width, height, entries, containment, forest } = this.#data;
    await worker("save", [path, { width, height, entries, containment, forest }], options);
  }

  /**
   * Reads what `save` wrote. The file is not trusted: what its image, masks and maps take is checked against `maxPixels`
   * (default 100 million) and `maxBytes` (default 1 GiB) before any of it is filled. Throws `E_BAD_FILE`, `E_IO`,
   * `E_BAD_OPTION`, or the signal's reason.
   */
  static async load(
    path: string,
    options: Pick<Limits, "maxPixels" | "maxBytes"> & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<SceneHierarchy> {
    checkKeys(options, ["maxPixels", "maxBytes", "signal"], "SceneHierarchy.load");
    const { maxPixels, maxBytes, signal } = options;
    checkLimits({ maxPixels, maxBytes });
    const stored = await worker("read", [path, { maxPixels, maxBytes }], { signal });
    const { width, height, containment, entries } = stored;
    // Duplicates were removed when the scene was made.
    const fusion = { maxIoU: 1, containment };
    const transfer = entries.map(({ mask }) => mask.data.buffer as ArrayBuffer);
    const args = [entries, { width, height }, fusion, await localAddon()] as const;
    return new SceneHierarchy(await worker("build", [...args], { signal, transfer }), null);
  }

  /**
   * Writes the masks in a format for annotations (COCO, Labelme, YOLO, CVAT, Label Studio, GeoJSON), by the end of the name or by
   * `format`; says what the file does not tell. What each format keeps: docs/formats.md. Throws `E_BAD_OPTION`, `E_IO`.
   */
  async export(path: string, options: ExportOptions = {}): Promise<WrittenAnnotations> {
    checkKeys(options, EXPORT_KEYS, "export");
    const { fileName = "", ...writing } = options;
    const { width, height, masks } = this;
    return writePlain(path, [{ fileName, width, height, regions: masks.map(regionOf) }], writing);
  }

  /** The masks as a COCO data set of one image. */
  async toCOCO(options: CocoOptions = {}): Promise<CocoScene> {
    checkKeys(options, ["imageId", "fileName"], "toCOCO");
    const { imageId, fileName } = cocoOptions(options);
    return {
      ...cocoHeadOf(this, imageId, fileName),
      annotations: await gently(this.masks, (mask) => cocoAnnotationOf(mask, this, imageId)),
    };
  }

  /** The masks as polygons with holes along pixel edges, in the form of GeoJSON. */
  async toGeoJSON(): Promise<PolygonScene> {
    const { width, height } = this;
    const features = await gently(this.masks, (mask) => polygonFeature(mask, this));
    return { type: "FeatureCollection", width, height, features };
  }

  /**
   * The photo with the regions of one granularity in colours, as PNG. A mask has the same colour at every granularity.
   * Throws `E_BAD_IMAGE` where the photo is missing or of another size, `E_BAD_PROMPT`, `E_BAD_OPTION`.
   */
  async overlay(options: OverlayOptions = {}): Promise<Buffer> {
    checkKeys(options, ["granularity", "image", "opacity", "signal"], "overlay");
    const { granularity = 0.5, image, opacity = 0.55, signal } = options;
    if (!(opacity >= 0 && opacity <= 1)) {
      throw new UnSAMError("E_BAD_OPTION", `opacity is ${opacity}; it must be a number from 0 to 1.`);
    }
    const { width, height } = this;
    const missing = "This scene holds no photo; give it: overlay({ image }).";
    const masked = { what: "scene", width, height, source: this.#source, missing };
    return drawOverPhoto(masked, image, signal, async (photo) => {
      const granularities = Array.isArray(granularity) ? granularity : [granularity];
      const pictures: Uint8Array[] = [];
      for (const one of granularities) {
        const { labels } = this.at(one);
        const picture = { width, height, rgb: photo.data, labels, opacity };
        pictures.push(
          await worker("paint", [picture], {
            priority: "interactive",
            signal,
            transfer: [labels.buffer as ArrayBuffer],
          }),
        );
      }
      return sideBySide(pictures, width, height);
    });
  }
}

/** White between pictures that stand side by side, pixels. */
const GAP = 8;

async function sideBySide(pictures: readonly Uint8Array[], width: number, height: number): Promise<Buffer> {
  const raw = { width, height, channels: 3 } as const;
  if (pictures.length === 1) {
    return toPNG(sharp(pictures[0], { raw, limitInputPixels: false }));
  }
  const across = pictures.length * (width + GAP) - GAP;
  const sheet = sharp({
    create: { width: across, height, channels: 3, background: "#ffffff" },
    limitInputPixels: false,
  });
  return toPNG(
    sheet
      .composite(
        pictures.map((data, i) => ({
          input: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
          raw,
          left: i * (width + GAP),
          top: 0,
          limitInputPixels: false,
        })),
      )
      .removeAlpha(),
  );
}

/** Shared memory crosses threads as it is; of other memory only the part, not the whole of its buffer, is copied. */
function ownOrShared(part: Float32Array): Float32Array {
  return part.buffer instanceof SharedArrayBuffer ? part : part.slice();
}

function oneGranularity(granularity: Granularity): number {
  const number = parseGranularity(granularity);
  if (typeof number === "number") return number;
  throw new UnSAMError(
    "E_BAD_PROMPT",
    `A scene is shown at one granularity, a number from 0 to 1 or its name, not ${number}.`,
  );
}

function checkFacts(name: string, values: ArrayLike<number>, count: number, most: number): void {
  if (values?.length !== count) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `There are ${values?.length ?? "no"} ${name} for ${count} masks; give one each.`,
    );
  }
  for (let k = 0; k < count; k++) {
    if (Number.isFinite(values[k]) && values[k] <= most && (most > 1 || values[k] >= 0)) continue;
    const range = most > 1 ? "a finite number" : "a number from 0 to 1";
    throw new UnSAMError("E_BAD_PROMPT", `Number ${k} of the ${name} is ${values[k]}; it must be ${range}.`);
  }
}

/** Maps a list a few milliseconds at a time, so that the event loop goes on. */
async function gently<In, Out>(list: readonly In[], step: (item: In) => Out): Promise<Out[]> {
  const out: Out[] = [];
  let since = performance.now();
  for (const item of list) {
    out.push(step(item));
    if (performance.now() - since < 5) continue;
    await new Promise(setImmediate);
    since = performance.now();
  }
  return out;
}

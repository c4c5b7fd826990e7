import { checkKeys } from "@unsam/core/options";
import { computeThreads } from "@unsam/core/runtime";
import { type CocoOptions, cocoOptions } from "../scene/scene-export.js";
import { masksOfForest } from "../scene/scene-forest.js";
import type { SceneMask } from "../scene/scene-mask.js";
import type { TiledData } from "./tiled-data.js";

const worker = computeThreads().bind<typeof import("./tiled.worker.js")>(
  new URL("./tiled.worker.js", import.meta.url),
  "bulk",
);

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * All masks of an image that was looked at in tiles, and which is part of which. Masks stay packed, some hundred bytes to
 * some kilobytes each; there are no maps of the size of the image. Immutable plain memory; nothing to dispose.
 */
export class TiledScene {
  /** Of the upright image. */
  readonly width: number;
  readonly height: number;
  /** All masks, best score first. `mask.mask` unpacks one at the size of the image: 50 MB at 400 megapixels. */
  readonly masks: readonly SceneMask[];
  /** Masks that lie in no other. */
  readonly roots: readonly SceneMask[];
  readonly #data: TiledData;

  /** @internal */
  constructor(data: TiledData) {
    this.width = data.width;
    this.height = data.height;
    this.#data = data;
    this.masks = masksOfForest(data.entries, data.forest);
    this.roots = this.masks.filter(({ parent }) => parent === null);
  }

  /** Writes what `SceneHierarchy.toGeoJSON` gives, mask by mask, whole or not at all. Throws `E_IO`. */
  async writeGeoJSON(path: string, options: WriteOptions = {}): Promise<void> {
    checkKeys(options, ["signal"], "writeGeoJSON");
    const { signal } = options;
    await worker("writeGeoJSON", [path, this.#data], { signal });
  }

  /** Writes what `SceneHierarchy.toCOCO` gives, mask by mask, whole or not at all. Throws `E_IO`. */
  async writeCOCO(path: string, options: CocoOptions & WriteOptions = {}): Promise<void> {
    checkKeys(options, ["imageId", "fileName", "signal"], "writeCOCO");
    const { signal, ...coco } = options;
    const { imageId, fileName } = cocoOptions(coco);
    await worker("writeCOCO", [path, this.#data, imageId, fileName], { signal });
  }
}

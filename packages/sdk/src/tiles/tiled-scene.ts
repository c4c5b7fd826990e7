import { annotationFormatNamed, annotationFormatOf } from "@unsam/core/annotation-formats";
import { UnSAMError } from "@unsam/core/errors";
import { checkKeys } from "@unsam/core/options";
import { computeThreads } from "@unsam/core/runtime";
import type { WrittenAnnotations } from "../annotations/write-files.js";
import { writePlain } from "../annotations/write-plain.js";
import { type CocoOptions, cocoOptions, regionOf } from "../scene/scene-export.js";
import { masksOfForest } from "../scene/scene-forest.js";
import { EXPORT_KEYS, type ExportOptions } from "../scene/scene-hierarchy.js";
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
 * All masks of an image that was segmented in tiles, and which is part of which. Masks stay packed, some hundred bytes to
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

  /**
   * Writes the masks in a format for annotations, as `SceneHierarchy.export` does, and says what the file does not tell. Labelme and
   * Label Studio hold masks as pictures and are refused. `simplify` takes half a byte for each pixel of the image.
   * Throws `E_BAD_OPTION`, `E_IO`, or the signal's reason.
   */
  async export(path: string, options: ExportOptions = {}): Promise<WrittenAnnotations> {
    checkKeys(options, EXPORT_KEYS, "export");
    const { fileName = "", ...writing } = options;
    const { format } = writing;
    const { hasPictures, about } =
      format === undefined ? annotationFormatOf(path) : annotationFormatNamed(format);
    if (hasPictures) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `${about} hold masks as pictures, too large for an image that is segmented in tiles; write GeoJSON, COCO, CVAT or YOLO.`,
      );
    }
    const { width, height, masks } = this;
    return writePlain(path, [{ fileName, width, height, regions: masks.map(regionOf) }], writing);
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

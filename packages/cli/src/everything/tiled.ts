import { ANNOTATION_FORMATS, type AnnotationFormat } from "@unsam/core/annotation-formats";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import { DEFAULT_MAX_PIXELS } from "@unsam/core/limits";
import type { TiledOptions, TiledScene, UnSAM } from "@unsam/sdk";
import { checkDistinct, checkPlace } from "../check-writable.js";
import type { ImageSource } from "../images/image-source.js";
import { wrote } from "../outputs/result-files.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";
import { type AnnotationFlags, exportAnnotations, listOf, type ScenePlace, tellLost } from "./formats.js";
import { maskReport } from "./mask-report.js";

export interface TiledJob {
  readonly source: ImageSource;
  readonly options: Omit<TiledOptions, "signal" | "onProgress">;
  readonly out: readonly TiledPlace[];
  readonly annotations: AnnotationFlags;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/**
 * Throws `E_BAD_IMAGE` for a file whose header tells more pixels than the limit: it could be segmented in tiles. All else
 * that may be wrong with it is for those to say who decode it.
 */
export async function checkFitsWhole(
  path: string,
  maxPixels: number = DEFAULT_MAX_PIXELS,
  signal: AbortSignal,
): Promise<void> {
  const { ImageParts } = await import("@unsam/core/image");
  const parts = await ImageParts.open(path, { signal }).catch(() => null);
  signal.throwIfAborted();
  if (!parts || parts.width * parts.height <= maxPixels) return;
  throw new UnSAMError(
    "E_BAD_IMAGE",
    `The image ${shown(path)} has ${parts.width}×${parts.height} pixels, more than the limit of ${maxPixels}; have it segmented in tiles with --tiles 2048, or raise --max-pixels if you trust it.`,
  );
}

/** A file of annotations that need no pictures of the size of the image. */
interface TiledPlace {
  readonly file: string;
  readonly annotations: AnnotationFormat;
}

/** Throws `E_BAD_OPTION` for files that are not written of an image that is segmented in tiles. */
export function tiledPlaces(places: readonly ScenePlace[]): TiledPlace[] {
  return places.map(({ file, format: { annotations } }) => {
    if (annotations && !annotations.hasPictures) return { file, annotations };
    const ends = ANNOTATION_FORMATS.filter(({ hasPictures }) => !hasPictures).map(
      ({ suffixes: [end] }) => end,
    );
    throw new UnSAMError(
      "E_BAD_OPTION",
      `--out is ${file}, which holds pictures or maps of the size of the image; with --tiles its name must end in ${listOf(ends)}, or leave out --tiles.`,
    );
  });
}

/** `unsam everything IMAGE --tiles N`. `load` is called once everything that can be checked before has been. */
export async function everythingOfTiles(job: TiledJob, load: () => Promise<UnSAM>): Promise<void> {
  const { source, options, out, signal } = job;
  if (source.path === null) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${source.given} is read only once, and tiles are read one after the other; save it to a file for --tiles.`,
    );
  }
  const path = source.path;
  for (const { file } of out) await checkPlace("--out", file);
  await checkDistinct(
    [["the photo", path]],
    out.map(({ file }) => ["--out", file]),
  );
  const { ImageParts } = await import("@unsam/core/image");
  await ImageParts.open(path, { maxPixels: options.maxPixels, signal });
  if (job.annotations.georeference) {
    // Before all tiles are segmented, which may take an hour.
    const { requireGeoreference } = await import("@unsam/core/georeference");
    await requireGeoreference(path, signal);
  }
  await using unsam = await load();
  unsam.checkEverythingTiled(options);
  const started = performance.now();
  const scene = await withProgress(`Segmenting everything in ${source.given}`, (tell) =>
    unsam.everythingTiled(path, {
      ...options,
      signal,
      onProgress: ({ tiles, tilesInAll, masks }) =>
        tell(`tile ${tiles} of ${tilesInAll}, ${masks} masks and pieces of masks`),
    }),
  );
  const milliseconds = Math.round(performance.now() - started);
  const context = { photo: source.name, photoPath: path, ...job.annotations, signal };
  for (const { file, annotations } of out) {
    await withProgress(`Writing ${file}`, async () =>
      tellLost(file, await exportAnnotations(scene, annotations, file, context)),
    );
  }
  printResult(
    job.json,
    () => report(job, unsam, scene, milliseconds),
    () => describe(job, unsam, scene, milliseconds),
  );
}

/** The document of `--json`; its schema is docs/schemas/everything.schema.json. */
function report({ source, out }: TiledJob, unsam: UnSAM, scene: TiledScene, milliseconds: number) {
  const changes = scene.masks.filter(({ children }) => children.length > 0).map(({ range }) => range[0]);
  return {
    image: source.given,
    width: scene.width,
    height: scene.height,
    model: unsam.model,
    levels: [...new Set(changes)].sort((a, b) => a - b),
    masks: maskReport(scene.masks),
    files: out.map(({ file }) => file),
    // Tiles are encoded on the way.
    milliseconds: { encode: 0, everything: milliseconds },
  };
}

function describe({ source, out }: TiledJob, unsam: UnSAM, scene: TiledScene, milliseconds: number): string {
  const lines = [
    `${source.given}: ${scene.masks.length} masks, ${scene.roots.length} of them whole, in ${scene.width} × ${scene.height} pixels`,
    `${unsam.model.name}; everything ${milliseconds} ms`,
    ...out.map(({ file }) => wrote(file)),
  ];
  if (out.length === 0) lines.push("give --out scene.geojson (or .coco.json) to keep it");
  return `${lines.join("\n")}\n`;
}

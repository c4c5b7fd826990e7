import type { EverythingOptions, GranularityLevel, SceneHierarchy, UnSAM } from "@unsam/sdk";
import { checkDistinct } from "../check-writable.js";
import type { ImageFlags } from "../images/image-flags.js";
import { type ImageSource, STANDARD } from "../images/image-source.js";
import { openImage } from "../images/open-image.js";
import { wrote } from "../outputs/result-files.js";
import { printResult, tell } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";
import { type AnnotationFlags, checkIsFile, checkOutputs, type ScenePlace, writeScene } from "./formats.js";
import { maskReport } from "./mask-report.js";
import { checkFitsWhole } from "./tiled.js";

export interface OneImage {
  readonly source: ImageSource;
  readonly flags: ImageFlags;
  readonly options: Omit<EverythingOptions, "signal" | "onProgress">;
  readonly out: readonly ScenePlace[];
  readonly at: readonly GranularityLevel[];
  readonly annotations: AnnotationFlags;
  readonly maxPixels: number | undefined;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

interface Timing {
  readonly encode: number;
  readonly everything: number;
}

/** `unsam everything IMAGE`. `load` is called once everything that can be checked before has been. */
export async function everythingOfImage(job: OneImage, load: () => Promise<UnSAM>): Promise<void> {
  const { source, options, out, at, annotations, maxPixels, signal } = job;
  if (annotations.georeference) checkIsFile([source]);
  await checkOutputs(out);
  await checkDistinct(
    [["the photo", source.path ?? undefined]],
    out.map(({ file }) => ["--out", file === STANDARD ? undefined : file]),
  );
  if (source.path !== null) await checkFitsWhole(source.path, maxPixels, signal);
  const image = await openImage(source, job.flags, signal);
  await using unsam = await load();
  unsam.checkEverything(options);
  const started = performance.now();
  await using encoded = await withProgress(`Encoding ${source.given}`, () =>
    unsam.encode(image, { signal, maxPixels }),
  );
  const looked = performance.now();
  const scene = await withProgress("Segmenting everything", (tell) =>
    encoded.everything({
      ...options,
      signal,
      onProgress: ({ prompts, promptsAtMost, masks, coverage }) =>
        tell(
          `${prompts} of at most ${promptsAtMost} clicks, ${masks} masks, ${(100 * coverage).toFixed(0)} % covered`,
        ),
    }),
  );
  const timing = { encode: looked - started, everything: performance.now() - looked };
  for (const place of out) {
    await withProgress(`Writing ${place.file}`, () =>
      writeScene(place, scene, {
        at,
        photo: source.name,
        photoPath: source.path ?? undefined,
        ...annotations,
        signal,
      }),
    );
  }
  if (out.some(({ file }) => file === STANDARD)) {
    tell(describe(job, unsam, scene, timing).trimEnd());
    return;
  }
  printResult(
    job.json,
    () => report(job, unsam, scene, timing),
    () => describe(job, unsam, scene, timing),
  );
}

/** The document of `--json`; its schema is docs/schemas/everything.schema.json. */
function report({ source, out }: OneImage, unsam: UnSAM, scene: SceneHierarchy, timing: Timing) {
  return {
    image: source.given,
    width: scene.width,
    height: scene.height,
    model: unsam.model,
    levels: scene.levels,
    masks: maskReport(scene.masks),
    files: out.map(({ file }) => file),
    milliseconds: { encode: Math.round(timing.encode), everything: Math.round(timing.everything) },
  };
}

function describe(
  { source, out, at }: OneImage,
  unsam: UnSAM,
  scene: SceneHierarchy,
  timing: Timing,
): string {
  const { labels, owners } = scene.at(at[0]);
  const covered = labels.reduce((sum, label) => sum + (label === 0 ? 0 : 1), 0) / labels.length;
  const lines = [
    `${source.given}: ${scene.masks.length} masks, ${scene.roots.length} of them whole; at granularity ${at[0]} ` +
      `${owners.length} regions over ${(100 * covered).toFixed(1)} % of ${scene.width} × ${scene.height} pixels`,
    `${unsam.model.name}; encoding ${Math.round(timing.encode)} ms, everything ${Math.round(timing.everything)} ms`,
    ...out.map(({ file }) => wrote(file)),
  ];
  if (out.length === 0) lines.push("give --out scene.json (or .png, .coco.json …) to keep it");
  return `${lines.join("\n")}\n`;
}

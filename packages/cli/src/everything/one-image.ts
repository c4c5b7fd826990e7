import path from "node:path";
import { checkImageFile } from "@unsam/core/image";
import type { EverythingOptions, GranularityLevel, SceneHierarchy, UnSAM } from "@unsam/sdk";
import { checkDistinct } from "../check-writable.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";
import { checkOutputs, formatOf } from "./formats.js";

export interface OneImage {
  readonly image: string;
  readonly options: Omit<EverythingOptions, "signal" | "onProgress">;
  readonly out: readonly string[];
  readonly at: readonly GranularityLevel[];
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
  const { image, options, out, at, maxPixels, signal } = job;
  await checkOutputs(out);
  await checkDistinct(
    [["the photo", image]],
    out.map((file) => ["--out", file]),
  );
  await checkImageFile(image, signal);
  await using unsam = await load();
  unsam.checkEverything(options);
  const started = performance.now();
  await using encoded = await withProgress(`Encoding ${image}`, () =>
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
  for (const file of out) {
    await withProgress(`Writing ${file}`, () =>
      formatOf(file).write(scene, file, { at, photo: path.basename(image), signal }),
    );
  }
  printResult(
    job.json,
    () => report(job, unsam, scene, timing),
    () => describe(job, unsam, scene, timing),
  );
}

/** The document of `--json`; its schema is docs/schemas/everything.schema.json. */
function report({ image, out }: OneImage, unsam: UnSAM, scene: SceneHierarchy, timing: Timing) {
  return {
    image,
    width: scene.width,
    height: scene.height,
    model: unsam.model,
    levels: scene.levels,
    masks: scene.masks.map(({ area, bbox, score, stability, granularity, range, parent, point }) => ({
      area,
      bbox,
      score,
      stability,
      granularity,
      range: [range[0], Math.min(1, range[1])],
      parent: parent?.id ?? null,
      point,
    })),
    files: out,
    milliseconds: { encode: Math.round(timing.encode), everything: Math.round(timing.everything) },
  };
}

function describe({ image, out, at }: OneImage, unsam: UnSAM, scene: SceneHierarchy, timing: Timing): string {
  const { labels, owners } = scene.at(at[0]);
  const covered = labels.reduce((sum, label) => sum + (label === 0 ? 0 : 1), 0) / labels.length;
  const lines = [
    `${image}: ${scene.masks.length} masks, ${scene.roots.length} of them whole; at granularity ${at[0]} ` +
      `${owners.length} regions over ${(100 * covered).toFixed(1)} % of ${scene.width} × ${scene.height} pixels`,
    `${unsam.model.name}; encoding ${Math.round(timing.encode)} ms, everything ${Math.round(timing.everything)} ms`,
    ...out.map((file) => `wrote ${file}`),
  ];
  if (out.length === 0) lines.push("give --out scene.json (or .png, .coco.json …) to keep it");
  return `${lines.join("\n")}\n`;
}

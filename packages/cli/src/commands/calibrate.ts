import { UnSAMError } from "@unsam/core/errors";
import type { Calibration, CalibrationGoal, EncodedImage, Granularity } from "@unsam/sdk";
import { Command } from "commander";
import { count, granularity, positive } from "../arguments.js";
import { checkDistinct, checkWritable } from "../check-writable.js";
import { withExamples } from "../help/examples.js";
import { nameImages } from "../images/name-images.js";
import { loadModel, type ModelOptions } from "../load-model.js";
import { withModelOptions } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

interface CalibrateFlags extends ModelOptions {
  readonly targets?: string;
  readonly medianArea?: number;
  readonly regions?: number;
  readonly granularity?: Granularity;
  readonly pointsPerSide?: number;
  readonly maxPixels?: number;
  readonly maxBytes?: number;
  readonly out: string;
  readonly json?: true;
}

export function calibrateCommand({ signal }: Interrupt): Command {
  const command = withModelOptions(new Command("calibrate"))
    .description(
      "Fit granularity to one kind of image: to labelled regions, or to a statistic of all regions.",
    )
    .argument(
      "[images...]",
      "photos of that kind, folders or patterns; not needed with --targets, which names its own",
    )
    .option("--targets <file.json>", "labelled regions: clicks or boxes with their masks")
    .option(
      "--median-area <a>",
      "median area of a region: below 1 a share of the image, else pixels",
      positive,
    )
    .option("--regions <n>", "mean number of regions in an image", positive)
    .option(
      "--granularity <g>",
      "the granularity at which the statistic should hold (default 1)",
      granularity,
    )
    .option("--points-per-side <n>", "side of the grid of clicks that looks for regions (default 16)", count)
    .option("--max-bytes <n>", "refuse targets whose masks take more together (default: 1073741824)", count)
    .requiredOption("--out <file.json>", "write the calibration; pass it on with --calibration")
    .option("--json", "print the calibration to standard output")
    .action((images: string[], flags: CalibrateFlags) => calibrate(images, flags, signal));
  return withExamples(command, [
    [
      "unsam calibrate photos/*.jpg --regions 20 --out calibration.json",
      "so that 1 gives 20 regions a photo",
    ],
    ["unsam calibrate --targets targets.json --out calibration.json", "to labelled regions"],
  ]);
}

async function calibrate(given: string[], flags: CalibrateFlags, signal: AbortSignal): Promise<void> {
  await checkWritable("--out", flags.out, ".json");
  const files = await photoFiles(given, signal);
  const inputs = [["--targets", flags.targets], ...files.map((file) => ["an image", file] as const)] as const;
  await checkDistinct(inputs, [["--out", flags.out]]);
  const { images: photos, goal } = await readGoal(files, flags, signal);
  const [{ checkImageFile }, { calibrate: fit }] = await Promise.all([
    import("@unsam/core/image"),
    import("@unsam/sdk"),
  ]);
  for (const photo of photos) await checkImageFile(photo, signal);
  await using unsam = await loadModel(flags, signal);
  const images: EncodedImage[] = [];
  for (const [i, photo] of photos.entries()) {
    images.push(
      await withProgress(`Encoding ${photo} (${i + 1} of ${photos.length})`, () =>
        unsam.encode(photo, { signal, maxPixels: flags.maxPixels }),
      ),
    );
  }
  const { pointsPerSide } = flags;
  const calibration = await withProgress("Calibrating", () => fit(images, goal, { pointsPerSide, signal }));
  await calibration.save(flags.out);
  printResult(
    flags.json,
    () => calibration,
    () => describe(calibration, flags.out),
  );
}

/** Files, folders and patterns, as other commands take them. */
async function photoFiles(given: readonly string[], signal: AbortSignal): Promise<string[]> {
  const { sources } = await nameImages(given, {}, signal);
  return sources.map((source) => {
    if (source.path !== null) return source.path;
    throw new UnSAMError("E_BAD_OPTION", `calibrate reads photos from files; ${source.given} is none.`);
  });
}

async function readGoal(
  files: readonly string[],
  flags: CalibrateFlags,
  signal: AbortSignal,
): Promise<{ images: readonly string[]; goal: CalibrationGoal }> {
  const { targets, medianArea, regions, granularity, maxPixels, maxBytes } = flags;
  const goals = [targets, medianArea, regions].filter((goal) => goal !== undefined);
  if (goals.length !== 1) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      "Give one goal: --targets FILE.json, --median-area A or --regions N.",
    );
  }
  if (targets !== undefined) {
    if (files.length > 0 || granularity !== undefined) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        "--targets names its images and their granularities itself; leave IMAGES and --granularity out.",
      );
    }
    const { readCalibrationTargets } = await import("@unsam/sdk");
    const read = await readCalibrationTargets(targets, { maxPixels, maxBytes, signal });
    return { images: read.images, goal: read.targets };
  }
  if (maxBytes !== undefined) {
    throw new UnSAMError("E_BAD_OPTION", "--max-bytes is about the masks of --targets; leave it out.");
  }
  if (files.length === 0) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      "There are no images; name at least one photo of the kind to calibrate for.",
    );
  }
  const at = { granularity: granularity as number | undefined };
  const goal =
    medianArea === undefined ? { regionsPerImage: regions!, ...at } : { medianRegionArea: medianArea, ...at };
  return { images: files, goal };
}

function describe(calibration: Calibration, out: string): string {
  const { goal, images, regions, wanted, before, after, granularities } = calibration.fit!;
  const number = (value: number) => (value < 10 ? value.toPrecision(3) : value.toFixed(0));
  const photos = `${images} ${images === 1 ? "image" : "images"}`;
  const lines = [
    goal === "labels"
      ? `mean IoU with ${regions} labelled regions in ${photos}: ${before.toFixed(3)} before, ${after.toFixed(3)} now`
      : `${goal} over ${photos}: ${number(before)} before, ${number(after)} now, ${number(wanted!)} wanted`,
    ...granularities.map(
      (granularity) =>
        `granularity ${granularity} is now the model's ${calibration.toModel(granularity).toFixed(3)}`,
    ),
    `wrote ${out}; pass it on with --calibration ${out}`,
  ];
  return `${lines.join("\n")}\n`;
}

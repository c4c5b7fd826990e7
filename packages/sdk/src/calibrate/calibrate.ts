import { fitLabels, type LabelCurve, mapThrough } from "@unsam/core/calibration";
import { UnSAMError } from "@unsam/core/errors";
import { Mask } from "@unsam/core/mask";
import type { NAMED_GRANULARITY } from "@unsam/core/names";
import { checkKeys } from "@unsam/core/options";
import { Calibration, type CalibrationFit } from "../calibration/calibration.js";
import type { EncodedImage } from "../encoded-image.js";
import { ladderLevels, parseGranularity } from "../granularity.js";
import type { PromptInput } from "../prompt.js";
import { type RegionStatistics, regionStatistics } from "./region-statistics.js";

/** A labelled region: the mask that the answer to a prompt should be. */
export interface CalibrationTarget {
  /** Which of the images; default the first. */
  readonly image?: number | undefined;
  /** A click, a box … The region should be the answer at its granularity; default 1, the whole object. */
  readonly prompt: PromptInput;
  readonly mask: Mask;
}

type OneGranularity = number | keyof typeof NAMED_GRANULARITY;

/** What granularity is fitted to: labelled regions, or a statistic of all regions at one granularity (default 1). */
export type CalibrationGoal =
  | readonly CalibrationTarget[]
  | {
      /** Median over all regions: below 1 a share of the image, else pixels. */
      readonly medianRegionArea: number;
      readonly granularity?: OneGranularity | undefined;
    }
  | {
      /** Mean over the images. At most half as many as there are clicks in the grid. */
      readonly regionsPerImage: number;
      readonly granularity?: OneGranularity | undefined;
    };

type StatisticGoal = Exclude<CalibrationGoal, readonly CalibrationTarget[]>;

export interface CalibrateOptions {
  /** Side of the grid of clicks that looks for regions, 2 to 64; default 16. Refused with labels. */
  readonly pointsPerSide?: number | undefined;
  /** Steps done and to be done in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The model's granularities that labels are tried at: 0.1, 0.125 … 1. */
const LEVELS: readonly number[] = ladderLevels(37);
/** Granularities that labels may name. */
const MOST_GRANULARITIES = 24;
/** Halvings of the range in search of a statistic: the last step is 0.9 / 128. */
const HALVINGS = 7;
/** A statistic that is missed by more, as the logarithm of a ratio, counts as out of reach. */
const MOST_OFF = Math.log(1.25);

/**
 * Fits granularity to one kind of image. With labelled regions: the rising map with the largest sum of IoU, exact on a grid
 * of 37 granularities. With a statistic: the granularity that meets it, found by halving. The map has at most one knot for
 * each granularity with labels, and those where it stays as it is (0, 0.1 and 1, as far as they lie outside).
 * `images` must come from one model, loaded without a calibration.
 * Throws `E_BAD_OPTION`, `E_BAD_PROMPT`, `E_UNSUPPORTED` (plain SAM 2).
 */
export async function calibrate(
  images: readonly EncodedImage[],
  goal: CalibrationGoal,
  options: CalibrateOptions = {},
): Promise<Calibration> {
  checkKeys(options, ["pointsPerSide", "onProgress", "signal"], "calibrate");
  const model = modelOf(images);
  options.signal?.throwIfAborted();
  const { knots, fit } = isTargets(goal)
    ? await fitToLabels(images, goal, options)
    : await fitToStatistic(images, goal, options);
  return new Calibration(model, mapThrough(knots), fit);
}

function isTargets(goal: CalibrationGoal): goal is readonly CalibrationTarget[] {
  return Array.isArray(goal);
}

function modelOf(images: readonly EncodedImage[]): { name: string; fingerprint: string } {
  if (!Array.isArray(images) || images.length === 0) {
    throw bad("There are no images to calibrate on; give a list of at least one encoded image.");
  }
  const [{ name, fingerprint, capabilities }] = images.map((image) => image.model);
  if (images.some((image) => image.model.fingerprint !== fingerprint)) {
    throw bad("The images were encoded with different models; calibrate one model at a time.");
  }
  if (images.some((image) => image.isCalibrated)) {
    throw bad("The images were encoded behind a calibration; load the model without one to fit another.");
  }
  if (!capabilities.granularity) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `${name} is a model without granularity; there is nothing to calibrate.`,
    );
  }
  return { name, fingerprint };
}

async function fitToLabels(
  images: readonly EncodedImage[],
  targets: readonly CalibrationTarget[],
  { pointsPerSide, onProgress, signal }: CalibrateOptions,
) {
  if (targets.length === 0) throw bad("There are no labelled regions; give at least one { prompt, mask }.");
  if (pointsPerSide !== undefined) {
    throw bad(
      `pointsPerSide is ${pointsPerSide}, but labels name their own clicks; leave it out, or fit a statistic.`,
    );
  }
  const wanted = targets.map((target, i) => checkTarget(images, target, i));
  const different = new Set(wanted).size;
  if (different > MOST_GRANULARITIES) {
    throw bad(`The labels name ${different} granularities; a few knots fit at most ${MOST_GRANULARITIES}.`);
  }
  const curves: (LabelCurve & { before: number })[] = [];
  for (const [i, { image = 0, prompt, mask }] of targets.entries()) {
    onProgress?.(i, targets.length);
    const levels = [...new Set([...LEVELS, wanted[i]])];
    const { granularity: _, ...where } = prompt;
    const ladder = await images[image].ladder(where, { levels, signal });
    const iouAt = (level: number) => ladder.at(level).mask.iou(mask);
    curves.push({ granularity: wanted[i], iou: LEVELS.map(iouAt), before: iouAt(wanted[i]) });
  }
  onProgress?.(targets.length, targets.length);
  const knots = fitLabels(LEVELS, curves);
  const levelAt = new Map(knots);
  const after = curves.map(({ granularity, iou }) => iou[LEVELS.indexOf(levelAt.get(granularity)!)]);
  const fit: CalibrationFit = {
    goal: "labels",
    granularities: knots.map(([user]) => user),
    images: new Set(targets.map(({ image = 0 }) => image)).size,
    regions: targets.length,
    wanted: null,
    before: mean(curves.map(({ before }) => before)),
    after: mean(after),
  };
  return { knots, fit };
}

/** The granularity at which a target should be the answer. */
function checkTarget(images: readonly EncodedImage[], target: CalibrationTarget, i: number): number {
  checkKeys(target, ["image", "prompt", "mask"], `Target ${i}`);
  const { image = 0, prompt, mask } = target;
  const found = images[image];
  if (!found)
    throw bad(`Target ${i} is of image ${image}; there are ${images.length} images, counted from 0.`);
  if (!(mask instanceof Mask)) throw bad(`The mask of target ${i} is no Mask.`);
  if (mask.width !== found.width || mask.height !== found.height) {
    throw bad(
      `The mask of target ${i} has ${mask.width} × ${mask.height} pixels, its image ${found.width} × ${found.height}.`,
    );
  }
  if (mask.area === 0) throw bad(`The mask of target ${i} is empty.`);
  return settingOf(prompt?.granularity, `target ${i}`);
}

function settingOf(value: unknown, owner: string): number {
  const granularity = parseGranularity(value === undefined ? 1 : value);
  if (typeof granularity === "number") return granularity;
  throw bad(
    `The granularity of ${owner} is ${granularity}; a calibration needs a number from 0 to 1 or a name.`,
  );
}

async function fitToStatistic(
  images: readonly EncodedImage[],
  goal: StatisticGoal,
  { pointsPerSide = 16, onProgress, signal }: CalibrateOptions,
) {
  const { name, wanted, of, rising } = statisticOf(goal, pointsPerSide);
  const granularity = settingOf(goal.granularity, name);
  const steps = HALVINGS + 1;
  const tried: { granularity: number; value: number; regions: number }[] = [];
  const measure = async (granularity: number) => {
    onProgress?.(Math.min(tried.length, steps - 1), steps);
    const statistics = await regionStatistics(images, granularity, { pointsPerSide, signal });
    const measured = { granularity, value: of(statistics), regions: statistics.regions };
    tried.push(measured);
    return measured;
  };
  const before = (await measure(granularity)).value;
  const ends = [LEVELS[0], 1];
  let [low, high] = ends;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = await measure((low + high) / 2);
    if (middle.value < wanted === rising) low = middle.granularity;
    else high = middle.granularity;
  }
  const off = ({ value }: { value: number }) => Math.abs(Math.log(value / wanted));
  const nearest = () => tried.reduce((a, b) => (off(b) < off(a) ? b : a));
  // The ends are dear at the fine side, so they are looked at only where the search ran into one.
  for (const end of ends) if (low === end || high === end) await measure(end);
  onProgress?.(steps, steps);
  const best = nearest();
  if (!(off(best) <= MOST_OFF)) {
    const values = tried.map(({ value }) => value);
    throw bad(
      `${name} is to be ${wanted}, but over these images the model gives ${show(Math.min(...values))} to ` +
        `${show(Math.max(...values))}, and nothing within a quarter of it; ask for something else, or give more images.`,
    );
  }
  const fit: CalibrationFit = {
    goal: name,
    granularities: [granularity],
    images: images.length,
    regions: best.regions,
    wanted,
    before,
    after: best.value,
  };
  return { knots: [[granularity, best.granularity]] as const, fit };
}

interface WantedStatistic {
  readonly name: "medianRegionArea" | "regionsPerImage";
  readonly wanted: number;
  readonly of: (found: RegionStatistics) => number;
  /** Whether it grows with the granularity. */
  readonly rising: boolean;
}

function statisticOf(goal: StatisticGoal, pointsPerSide: number): WantedStatistic {
  const { medianRegionArea, regionsPerImage }: { medianRegionArea?: number; regionsPerImage?: number } =
    typeof goal === "object" && goal !== null ? goal : {};
  if (typeof goal === "object" && goal !== null) {
    checkKeys(goal, ["medianRegionArea", "regionsPerImage", "granularity"], "The goal of a calibration");
  }
  if (medianRegionArea !== undefined && regionsPerImage === undefined) {
    if (!(medianRegionArea > 0 && Number.isFinite(medianRegionArea))) {
      throw bad(`medianRegionArea is ${medianRegionArea}; give a share of the image below 1, or pixels.`);
    }
    const of = (found: RegionStatistics) =>
      medianRegionArea < 1 ? found.medianRegionShare : found.medianRegionArea;
    return { name: "medianRegionArea", wanted: medianRegionArea, of, rising: true };
  }
  if (regionsPerImage !== undefined && medianRegionArea === undefined) {
    const most = pointsPerSide ** 2 / 2;
    if (!(regionsPerImage >= 1 && regionsPerImage <= most)) {
      throw bad(
        `regionsPerImage is ${regionsPerImage}; give a number from 1 to ${most}, half the clicks of the grid, or a larger pointsPerSide.`,
      );
    }
    const of = (found: RegionStatistics) => found.regionsPerImage;
    return { name: "regionsPerImage", wanted: regionsPerImage, of, rising: false };
  }
  throw bad("The goal of a calibration is a list of targets, { medianRegionArea } or { regionsPerImage }.");
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function show(value: number): string {
  return value < 1 ? value.toPrecision(3) : value.toFixed(1);
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_OPTION", message);
}

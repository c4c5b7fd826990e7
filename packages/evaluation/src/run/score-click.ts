import { UnSAMError } from "@unsam/core/errors";
import type { Mask, RLE } from "@unsam/core/mask";
import type { Click } from "../datasets/dataset.js";
import type { Truth } from "../datasets/read-truth.js";
import { type Answer, foreground, type MethodImage, type MethodInfo, type Offer } from "../methods/method.js";
import { MOST_CLICKS, NOC_TARGETS, nextClick } from "../metrics/interactive.js";
import { maskIou } from "../metrics/iou.js";
import { type Nesting, nesting } from "../metrics/nesting.js";

/** What one click earned. */
export interface ClickScore extends Click {
  /** The region's share of the image's pixels. */
  readonly share: number;
  /** IoU and area (pixels) of each answer on the ladder. */
  readonly ious: readonly number[];
  readonly areas: readonly number[];
  /** The method's own choice; null where it has none. */
  readonly auto: { readonly iou: number; readonly granularity: number | null } | null;
  /** null without granularity. */
  readonly nesting: Nesting | null;
  /** IoU after each of up to 20 clicks; null where not asked for. */
  readonly interactive: InteractiveScore | null;
  /** The answer for pictures: the method's own choice, else the best of the ladder. */
  readonly picture: RLE;
}

export interface InteractiveScore {
  /** At the granularity that was best for the first click; null without granularity. */
  readonly dial: readonly number[] | null;
  /** At the method's own choice, click by click; null where it makes none. */
  readonly auto: readonly number[] | null;
}

/** Scores all that a method offers for one click. Throws `E_BAD_FILE` where the click's region does not exist. */
export async function scoreClick(
  image: MethodImage,
  info: MethodInfo,
  truth: Truth,
  click: Click,
  interactive: boolean,
): Promise<ClickScore> {
  const wanted = regionOf(truth, click);
  const offer = await image.offer([foreground(click.x, click.y)]);
  const ious = offer.ladder.map(({ mask }) => maskIou(mask, wanted, truth.counted));
  const auto = offer.auto && {
    iou: maskIou(offer.auto.mask, wanted, truth.counted),
    granularity: offer.auto.granularity,
  };
  const best = offer.ladder[ious.indexOf(Math.max(...ious))];
  return {
    ...click,
    share: wanted.area / (truth.width * truth.height),
    ious,
    areas: offer.ladder.map(({ mask }) => mask.area),
    auto,
    nesting: info.levels.length > 0 ? nesting(offer.ladder.map(({ mask }) => mask)) : null,
    interactive: interactive ? await scoreInteractive(image, info, truth, click, wanted, offer, best) : null,
    picture: (offer.auto ?? best).mask.toRLE(),
  };
}

/** The region that a click stands for. Throws `E_BAD_FILE`. */
export function regionOf(truth: Truth, click: Click): Mask {
  const annotation = truth.annotations.find(({ annotator }) => annotator === click.annotator);
  const region = annotation?.regions.get(click.region);
  if (region && click.x < truth.width && click.y < truth.height) return region;
  throw new UnSAMError(
    "E_BAD_FILE",
    region
      ? `The click (${click.x}, ${click.y}) lies outside ${click.image}, which is ${truth.width}×${truth.height}.`
      : `${click.image} has no region ${click.region} of annotator ${click.annotator}, though a click asks for it.`,
  );
}

async function scoreInteractive(
  image: MethodImage,
  info: MethodInfo,
  truth: Truth,
  click: Click,
  wanted: Mask,
  offer: Offer,
  best: Answer,
): Promise<InteractiveScore> {
  const run = async (first: Answer, granularity: number | "auto") => {
    const clicks = [foreground(click.x, click.y)];
    let answer = first;
    const ious = [maskIou(answer.mask, wanted, truth.counted)];
    while (ious.length < MOST_CLICKS && ious[ious.length - 1] < Math.max(...NOC_TARGETS)) {
      const next = nextClick(answer.mask, wanted, truth.counted, clicks);
      if (!next) break;
      clicks.push(next);
      answer = await image.answer(clicks, granularity, answer);
      ious.push(maskIou(answer.mask, wanted, truth.counted));
    }
    return ious;
  };
  const auto = offer.auto ? await run(offer.auto, "auto") : null;
  const dial = info.levels.length > 0 ? await run(best, best.granularity!) : null;
  return { dial, auto };
}

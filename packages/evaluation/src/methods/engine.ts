import type { Engine, EngineImage, EngineSegment, SegmentOptions } from "@unsam/core/engine";
import { Mask } from "@unsam/core/mask";
import { operationsOf } from "@unsam/core/operations";
import type { Prompt, PromptPoint } from "@unsam/core/prompt";
import { engineWholeImage } from "./engine-whole-image.js";
import type { Answer, Method, MethodImage, Settings } from "./method.js";

export interface EngineMethodOptions {
  /** What the report calls it. */
  readonly name: string;
  readonly levels: readonly number[];
  /** Leave the granularity input out, though the model has one: what granularity is worth. */
  readonly withoutGranularity: boolean;
  /** Default "own". "paper" says something about networks only. */
  readonly settings?: Settings;
}

/** Fine, medium and coarse: a grid of clicks is dear, and each level takes one. */
const WHOLE_LEVELS = [0.2, 0.5, 1];
/** UnSAMv2's evaluation takes what has a logit above it. */
const UNSAMV2_THRESHOLD = -1;
const OPTIONS: SegmentOptions = { multimask: false, maxHoleArea: 0, maxSprinkleArea: 0 };

/**
 * Any engine of core. With granularity: a ladder of levels, and its own `"auto"`. Without (plain SAM 2, or left out on
 * purpose): the masks of `multimask`, of which the one with the highest predicted IoU is its choice.
 */
export function engineMethod(engine: Engine, options: EngineMethodOptions): Method {
  const { granularity, refinement } = engine.info.capabilities;
  const hasLevels = granularity && !options.withoutGranularity;
  const levels = hasLevels ? options.levels : [];
  return {
    info: {
      name: options.name,
      description: engine.info.description,
      levels,
      chooses: true,
      fingerprint: engine.info.fingerprint,
    },
    async prepare(image) {
      const encoded = await engine.encode(image, {});
      const as: Asking = { refines: refinement, settings: refinement ? (options.settings ?? "own") : "own" };
      return hasLevels ? prepareLevels(encoded, levels, as) : prepareChoice(encoded, as);
    },
    dispose: () => engine.dispose(),
  };
}

/** How an engine is asked. */
interface Asking {
  /** Earlier logits are given back. */
  readonly refines: boolean;
  readonly settings: Settings;
}

function prepareLevels(image: EngineImage, levels: readonly number[], as: Asking): MethodImage {
  const answerOf = answersOf(image, as);
  return {
    async offer(clicks) {
      const asked = [...levels, "auto" as const];
      const answers = await image.segment(
        asked.map((level) => prompt(clicks, level, null)),
        OPTIONS,
      );
      const all = await Promise.all(answers.map(({ best }) => answerOf(best)));
      return { ladder: all.slice(0, -1), auto: all[all.length - 1] };
    },
    async answer(clicks, granularity, earlier) {
      const [{ best }] = await image.segment(
        [prompt(clicks, granularity, as.refines ? earlier : null)],
        OPTIONS,
      );
      return answerOf(best);
    },
    wholeImage: () => engineWholeImage(image, as.settings === "paper" ? levels : WHOLE_LEVELS, as.settings),
    dispose: () => image.dispose(),
  };
}

function prepareChoice(image: EngineImage, as: Asking): MethodImage {
  const answerOf = answersOf(image, as);
  const several = { ...OPTIONS, multimask: true };
  return {
    async offer(clicks) {
      const [{ best, candidates }] = await image.segment([prompt(clicks, null, null)], several);
      const choice = candidates.length > 0 ? candidates : [best];
      return { ladder: await Promise.all(choice.map(answerOf)), auto: await answerOf(best) };
    },
    async answer(clicks, _granularity, earlier) {
      // As the official predictor advises: several masks for one click, one mask from the second click on.
      const options = clicks.length === 1 ? several : OPTIONS;
      const [{ best }] = await image.segment([prompt(clicks, null, as.refines ? earlier : null)], options);
      return answerOf(best);
    },
    wholeImage: () => engineWholeImage(image, [null], as.settings),
    dispose: () => image.dispose(),
  };
}

function prompt(
  points: readonly PromptPoint[],
  granularity: Prompt["granularity"],
  earlier: Answer | null,
): Prompt {
  return { points, box: null, mask: earlier?.logits ?? null, granularity };
}

function answersOf(
  { width, height }: EngineImage,
  { settings }: Asking,
): (segment: EngineSegment) => Promise<Answer> {
  const operations = operationsOf(null);
  return async ({ mask, granularity, logits }) => {
    if (settings === "own") return { mask, granularity, logits };
    const [rows, columns] = logits.shape;
    const raised = Float32Array.from(logits.data as Float32Array, (logit) => logit - UNSAMV2_THRESHOLD);
    const maps = { data: raised, count: 1, height: rows, width: columns };
    const { masks } = await operations.finishMasks(maps, { width, height });
    return { mask: new Mask(width, height, masks.words), granularity, logits };
  };
}

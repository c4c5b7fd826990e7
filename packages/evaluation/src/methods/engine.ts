import type { Engine, EngineImage, EngineSegment, SegmentOptions } from "@unsam/core/engine";
import type { Prompt, PromptPoint } from "@unsam/core/prompt";
import { engineWholeImage } from "./engine-whole-image.js";
import type { Answer, Method, MethodImage } from "./method.js";

export interface EngineMethodOptions {
  /** What the report calls it. */
  readonly name: string;
  readonly levels: readonly number[];
  /** Leave the granularity input out, though the model has one: what granularity is worth. */
  readonly withoutGranularity: boolean;
}

/** Fine, medium and coarse: a grid of clicks is dear, and each level takes one. */
const WHOLE_LEVELS = [0.2, 0.5, 1];
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
    info: { name: options.name, description: engine.info.description, levels, chooses: true },
    async prepare(image) {
      const encoded = await engine.encode(image, {});
      return hasLevels ? prepareLevels(encoded, levels, refinement) : prepareChoice(encoded, refinement);
    },
    dispose: () => engine.dispose(),
  };
}

function prepareLevels(image: EngineImage, levels: readonly number[], refines: boolean): MethodImage {
  return {
    async offer(clicks) {
      const asked = [...levels, "auto" as const];
      const answers = await image.segment(
        asked.map((level) => prompt(clicks, level, null)),
        OPTIONS,
      );
      const all = answers.map(({ best }) => answerOf(best));
      return { ladder: all.slice(0, -1), auto: all[all.length - 1] };
    },
    async answer(clicks, granularity, earlier) {
      const [{ best }] = await image.segment(
        [prompt(clicks, granularity, refines ? earlier : null)],
        OPTIONS,
      );
      return answerOf(best);
    },
    wholeImage: () => engineWholeImage(image, WHOLE_LEVELS),
    dispose: () => image.dispose(),
  };
}

function prepareChoice(image: EngineImage, refines: boolean): MethodImage {
  const several = { ...OPTIONS, multimask: true };
  return {
    async offer(clicks) {
      const [{ best, candidates }] = await image.segment([prompt(clicks, null, null)], several);
      const choice = candidates.length > 0 ? candidates : [best];
      return { ladder: choice.map(answerOf), auto: answerOf(best) };
    },
    async answer(clicks, _granularity, earlier) {
      // As the official predictor advises: several masks for one click, one mask from the second click on.
      const options = clicks.length === 1 ? several : OPTIONS;
      const [{ best }] = await image.segment([prompt(clicks, null, refines ? earlier : null)], options);
      return answerOf(best);
    },
    wholeImage: () => engineWholeImage(image, [null]),
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

function answerOf({ mask, granularity, logits }: EngineSegment): Answer {
  return { mask, granularity, logits };
}

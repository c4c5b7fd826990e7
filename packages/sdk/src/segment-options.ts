import type { EngineInfo } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { parseOptions } from "@unsam/core/options";
import { z } from "zod";

export interface SegmentOptions {
  /**
   * Official `multimask_output` (default false): plain SAM 2 then returns the best of three masks and all candidates; an
   * UnSAMv2 rates its mask by the best of them. Models that are a hierarchy of regions refuse it.
   */
  readonly multimask?: boolean | undefined;
  /** Holes of up to this many low-resolution pixels are filled (official `max_hole_area`, default 0). */
  readonly maxHoleArea?: number | undefined;
  /** Islands of up to this many low-resolution pixels are removed (official `max_sprinkle_area`, default 0). */
  readonly maxSprinkleArea?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const area = z.number().min(0).default(0);
export const segmentSchema = z.strictObject({
  multimask: z.boolean().default(false),
  maxHoleArea: area,
  maxSprinkleArea: area,
  signal: z.instanceof(AbortSignal).optional(),
});

/** The model that is asked. */
export type ModelOfOptions = Pick<EngineInfo, "name" | "capabilities">;

export type ParsedSegmentOptions = z.output<typeof segmentSchema>;

/** Checks the options, for a model. Throws `E_BAD_OPTION`, `E_UNSUPPORTED`. */
export function parseSegmentOptions(
  options: SegmentOptions,
  model: ModelOfOptions,
  caller: string,
): ParsedSegmentOptions {
  const parsed = parseOptions(segmentSchema, options, caller);
  if (parsed.multimask) checkMultimask(model);
  return parsed;
}

/** Throws `E_UNSUPPORTED` for a model that gives one mask whatever is said. */
export function checkMultimask({ name, capabilities }: ModelOfOptions): void {
  if (capabilities.multimask) return;
  const ladder = capabilities.granularity ? " (image.ladder gives all scales)" : "";
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `multimask is true, but ${name} gives one mask a prompt; leave it out${ladder}.`,
  );
}

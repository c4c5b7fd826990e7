export interface SegmentOptions {
  /** Official `multimask_output` (default false): plain SAM 2 then returns the best of three masks and all candidates. */
  readonly multimask?: boolean | undefined;
  /** Holes of up to this many low-resolution pixels are filled (official `max_hole_area`, default 0). */
  readonly maxHoleArea?: number | undefined;
  /** Islands of up to this many low-resolution pixels are removed (official `max_sprinkle_area`, default 0). */
  readonly maxSprinkleArea?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

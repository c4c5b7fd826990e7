/** A frame that is remembered, and how far away it counts. */
export interface ChosenMemory<Result> {
  readonly frame: number;
  /** Row of `maskmem_tpos_enc`. */
  readonly row: number;
  readonly result: Result;
}

export interface ChosenPointer<Result> {
  readonly frame: number;
  /** Frames from it to the frame that reads it, along the direction of tracking. */
  readonly time: number;
  readonly result: Result;
}

/** What is remembered of an object: results by frame, conditioning frames in the order in which they were prompted. */
export interface Remembered<Result> {
  readonly conditioning: ReadonlyMap<number, Result>;
  readonly others: ReadonlyMap<number, Result>;
}

export interface ChoiceRules {
  /** Rows of `maskmem_tpos_enc`. */
  readonly memoryFrames: number;
  readonly memoryStride: number;
  readonly maxConditioningFrames: number | null;
  readonly maxObjectPointers: number;
  /** Frames of the video; null: not known yet. */
  readonly length: number | null;
}

export interface MemoryChoice<Result> {
  readonly memories: readonly ChosenMemory<Result>[];
  readonly pointers: readonly ChosenPointer<Result>[];
  /** Time that is encoded as 1. */
  readonly longestTime: number;
}

/**
 * Which memories and object pointers a frame reads (SAM 2, section 4): conditioning frames, past and future; recent frames,
 * from far to near; pointers of both, which go back farther. `reverse`: tracking goes backwards, so recent frames are later.
 */
export function chooseMemories<Result>(
  frame: number,
  reverse: boolean,
  { conditioning, others }: Remembered<Result>,
  rules: ChoiceRules,
): MemoryChoice<Result> {
  const { chosen, leftOut } = nearestConditioning(frame, conditioning, rules.maxConditioningFrames);
  const recent = (at: number): Result | undefined => others.get(at) ?? leftOut.get(at);
  const memories: ChosenMemory<Result>[] = [...chosen].map(([at, result]) => ({
    frame: at,
    row: rules.memoryFrames - 1,
    result,
  }));
  for (let rank = rules.memoryFrames - 1; rank >= 1; rank--) {
    const at = recentFrame(frame, rank, rules.memoryStride, reverse);
    const result = recent(at);
    if (result !== undefined) memories.push({ frame: at, row: rank - 1, result });
  }

  const sign = reverse ? -1 : 1;
  const most = Math.min(rules.length ?? Number.POSITIVE_INFINITY, rules.maxObjectPointers);
  const pointers: ChosenPointer<Result>[] = [];
  for (const [at, result] of chosen) {
    const time = sign * (frame - at);
    if (time >= 0) pointers.push({ frame: at, time, result });
  }
  for (let time = 1; time < most; time++) {
    const at = frame - sign * time;
    if (at < 0 || (rules.length !== null && at >= rules.length)) break;
    const result = recent(at);
    if (result !== undefined) pointers.push({ frame: at, time, result });
  }
  // A video of one frame has no other time than 0.
  return { memories, pointers, longestTime: Math.max(1, most - 1) };
}

/** The frame before; beyond it frames on a raster of the stride. */
function recentFrame(frame: number, rank: number, stride: number, reverse: boolean): number {
  if (rank === 1) return reverse ? frame + 1 : frame - 1;
  return reverse
    ? Math.ceil((frame + 2) / stride) * stride + (rank - 2) * stride
    : Math.floor((frame - 2) / stride) * stride - (rank - 2) * stride;
}

/**
 * With a limit: the nearest before, the nearest from the frame on, then the nearest of the others; the one that was prompted
 * first among equals. The direction of tracking does not matter.
 */
function nearestConditioning<Result>(
  frame: number,
  all: ReadonlyMap<number, Result>,
  limit: number | null,
): { chosen: Map<number, Result>; leftOut: Map<number, Result> } {
  if (limit === null || all.size <= limit) return { chosen: new Map(all), leftOut: new Map() };
  const frames = [...all.keys()];
  const before = frames.filter((at) => at < frame);
  const after = frames.filter((at) => at >= frame);
  const first = [
    ...(before.length > 0 ? [Math.max(...before)] : []),
    ...(after.length > 0 ? [Math.min(...after)] : []),
  ];
  const rest = frames
    .filter((at) => !first.includes(at))
    .sort((a, b) => Math.abs(a - frame) - Math.abs(b - frame));
  const kept = [...first, ...rest].slice(0, limit);
  const pick = (list: readonly number[]) => new Map(list.map((at) => [at, all.get(at)!]));
  return { chosen: pick(kept), leftOut: pick(frames.filter((at) => !kept.includes(at))) };
}

import type { Mask } from "@unsam/core/mask";
import type { PromptPoint } from "@unsam/core/prompt";
import type { Answer, MethodImage } from "#evaluation/methods/method.js";

interface PlainRun {
  readonly granularity: number;
  readonly ious: readonly number[];
  readonly clicks: readonly PromptPoint[];
}

/** For each pixel that `is` set, the squared distance to the nearest that is not, also beyond the border: every one is tried. */
function depths(is: readonly boolean[], width: number, height: number): number[] {
  return is.map((set, i) => {
    if (!set) return 0;
    const [x, y] = [i % width, Math.floor(i / width)];
    let nearest = Number.POSITIVE_INFINITY;
    for (let v = -1; v <= height; v++) {
      for (let u = -1; u <= width; u++) {
        const inside = u >= 0 && u < width && v >= 0 && v < height && is[v * width + u];
        if (!inside) nearest = Math.min(nearest, (u - x) ** 2 + (v - y) ** 2);
      }
    }
    return nearest;
  });
}

function pixels(mask: Mask | null, size: Mask): boolean[] {
  const { width, height } = size;
  return Array.from(
    { length: width * height },
    (_, i) => mask?.has(i % width, Math.floor(i / width)) ?? false,
  );
}

function plainIou(a: readonly boolean[], b: readonly boolean[], counts: readonly boolean[]): number {
  const common = a.filter((is, i) => counts[i] && is && b[i]).length;
  const either = a.filter((is, i) => counts[i] && (is || b[i])).length;
  return common / either;
}

/**
 * The published search written a second time, plainly: every granularity is clicked to the end, then the runs are compared. A click
 * goes where the distance to the edge of the missing or the surplus pixels is largest, to the surplus where both are alike, never
 * twice to one pixel.
 */
export async function plainSearch(
  image: MethodImage,
  wanted: Mask,
  counted: Mask | null,
  granularities: readonly number[],
): Promise<PlainRun> {
  const { width, height } = wanted;
  const truth = pixels(wanted, wanted);
  const counts = counted ? pixels(counted, wanted) : truth.map(() => true);
  const runs: PlainRun[] = [];
  for (const granularity of granularities) {
    const clicks: PromptPoint[] = [];
    const ious: number[] = [];
    let answer: Answer | null = null;
    while (ious.length < 20) {
      const now = pixels(answer?.mask ?? null, wanted);
      const free = (i: number) => !clicks.some(({ x, y }) => y * width + x === i);
      const [missing, surplus] = [
        truth.map((is, i) => is && !now[i] && counts[i]),
        truth.map((is, i) => !is && now[i] && counts[i]),
      ].map((fault) => depths(fault, width, height).map((depth, i) => (free(i) ? depth : 0)));
      const [deepMissing, deepSurplus] = [Math.max(...missing), Math.max(...surplus)];
      if (deepMissing === 0 && deepSurplus === 0) break;
      const isMissing = deepMissing > deepSurplus;
      const at = isMissing ? missing.indexOf(deepMissing) : surplus.indexOf(deepSurplus);
      clicks.push({ x: at % width, y: Math.floor(at / width), label: isMissing ? 1 : 0 });
      answer = await image.answer(clicks, granularity, answer);
      ious.push(plainIou(pixels(answer.mask, wanted), truth, counts));
      if (ious[ious.length - 1] >= 0.9) break;
    }
    runs.push({ granularity, ious, clicks });
  }
  const count = ({ ious }: PlainRun) => (ious.some((iou) => iou >= 0.9) ? ious.length : 20);
  const fewest = Math.min(...runs.map(count));
  const able = runs.filter((run) => count(run) === fewest);
  return able.find(({ ious }) => ious[0] === Math.max(...able.map((run) => run.ious[0])))!;
}

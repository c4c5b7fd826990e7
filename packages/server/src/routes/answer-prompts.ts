import { setImmediate } from "node:timers/promises";
import { encodePackedRLE, packMask } from "@unsam/core/mask";
import { type EncodedImage, Mask, type PromptInput, type Segment } from "@unsam/sdk";
import type { ImageAnswer, LadderAnswer, SegmentAnswer, SegmentsAnswer } from "../schemas/answers.js";
import type { LadderRequest, Prompt, RLE, SegmentRequest } from "../schemas/requests.js";
import { type Caller, clickCost, type Service } from "../service.js";
import { ServiceError } from "../service-error.js";

/** An image with its name. */
export interface NamedImage {
  readonly id: string;
  readonly image: EncodedImage;
}

/** Answers the prompts of a call. */
export async function answerSegments(
  service: Service,
  { id, image }: NamedImage,
  request: SegmentRequest,
  caller: Caller,
): Promise<SegmentsAnswer> {
  return segmentsFor(service, image, request, caller, async (segments) => {
    const answers: SegmentAnswer[] = [];
    for (const segment of segments) answers.push(await describe(segment));
    return { image: about(id, image), segments: answers };
  });
}

/** The mask of a call's only prompt as PNG. */
export async function answerPNG(
  service: Service,
  { image }: NamedImage,
  request: SegmentRequest,
  caller: Caller,
): Promise<{ readonly png: Buffer; readonly segment: Segment }> {
  return segmentsFor(service, image, request, caller, async ([segment]) => ({
    png: await segment.mask.toPNG(),
    segment,
  }));
}

/** Answers prompts, and writes the answers while their masks have room. */
export async function segmentsFor<T>(
  service: Service,
  image: EncodedImage,
  { prompts, ...options }: SegmentRequest,
  caller: Caller,
  write: (segments: readonly Segment[]) => Promise<T>,
): Promise<T> {
  const { signal } = caller;
  const most = service.limits.prompts;
  if (prompts.length > most) {
    throw new ServiceError(
      413,
      "E_TOO_LARGE",
      `There are ${prompts.length} prompts; a call takes at most ${most}.`,
    );
  }
  return withMasks(service, image, prompts.length, caller, async () => {
    const parsed = prompts.map((prompt) => promptOf(prompt, image));
    const segments = await service.metrics.time("segment", () =>
      image.segmentAll(parsed, { ...options, signal }),
    );
    return service.metrics.time("write", () => write(segments));
  });
}

/** Answers one prompt at many granularities. */
export async function answerLadder(
  service: Service,
  { id, image }: NamedImage,
  { points, box, mask, levels = 10, ...options }: LadderRequest,
  caller: Caller,
): Promise<LadderAnswer> {
  const count = typeof levels === "number" ? levels : levels.length;
  const most = service.limits.levels;
  if (count > most) {
    throw new ServiceError(
      413,
      "E_TOO_LARGE",
      `There are ${count} levels; a ladder has at most ${most} here.`,
    );
  }
  const { signal } = caller;
  return withMasks(service, image, count, caller, async () => {
    const prompt = promptOf({ points, box, mask }, image);
    const ladder = await service.metrics.time("ladder", () =>
      image.ladder(prompt, { ...options, levels: levels as number | number[], signal }),
    );
    return service.metrics.time("write", async () => {
      const scales: LadderAnswer["scales"] = [];
      for (const { segment, levels: of, range } of ladder.distinct) {
        const isStable = of.includes(ladder.stable.granularity as number);
        scales.push({ levels: [...of], range: [...range], isStable, segment: await describe(segment) });
      }
      return { image: about(id, image), levels: [...ladder.levels], scales };
    });
  });
}

/** Works when it is the call's turn, while its masks have room. */
async function withMasks<T>(
  { clicks, masks }: Service,
  { width, height }: EncodedImage,
  count: number,
  { since, signal }: Caller,
  work: () => Promise<T>,
): Promise<T> {
  const bytes = count * Math.ceil(width / 32) * 4 * height;
  return clicks.run(clickCost(width * height, count), since, signal, async () => {
    masks.take(bytes);
    try {
      return await work();
    } finally {
      masks.give(bytes);
    }
  });
}

/** A prompt as the SDK takes it. The size of a mask is compared before its run lengths are believed. */
function promptOf({ points, box, mask, ...rest }: Prompt, { width, height }: EncodedImage): PromptInput {
  return {
    ...rest,
    points: points as PromptInput["points"],
    box,
    mask: mask && maskOf(mask, width, height),
  } as PromptInput;
}

function maskOf(rle: RLE, width: number, height: number): Mask {
  const [rows, columns] = rle.size;
  if (rows !== height || columns !== width) {
    throw new ServiceError(
      422,
      "E_BAD_REQUEST",
      `The mask prompt has ${columns} × ${rows} pixels, the image ${width} × ${height}; they must agree.`,
    );
  }
  return Mask.fromRLE({ size: [rows, columns], counts: rle.counts });
}

export function about(id: string, { width, height }: EncodedImage): ImageAnswer {
  return { id, width, height };
}

/** A segment for JSON; other requests get their turn between two of them. */
async function describe({ mask, ...segment }: Segment): Promise<SegmentAnswer> {
  await setImmediate();
  const { score, objectScore, stability, granularity } = segment;
  return { score, objectScore, stability, granularity, area: mask.area, bbox: mask.bbox, rle: rleOf(mask) };
}

/** By the mask's box: of large photos most of it is background. */
function rleOf({ words, width, height }: Mask): RLE {
  const { size, counts } = encodePackedRLE(packMask(words, width, height), true);
  return { size: [size[0], size[1]], counts: counts as string };
}

import { encodePackedRLE } from "@unsam/core/mask";
import type { FoundMask, SceneMask } from "@unsam/sdk";
import { refusalOf } from "../http/errors.js";
import type { EverythingEvent } from "../schemas/answers.js";
import type { EverythingRequest, RLE } from "../schemas/requests.js";
import { about, type NamedImage } from "./answer-prompts.js";

type FoundBody = Extract<EverythingEvent, { type: "found" }>["masks"][number];

/** What is found in an image, then its scene, mask by mask: nothing is held longer than the scene itself. */
export async function* everythingEvents(
  { id, image }: NamedImage,
  { partial = true, ...options }: EverythingRequest,
  signal: AbortSignal,
  told: (message: string) => string,
): AsyncGenerator<EverythingEvent, void, undefined> {
  try {
    const run = image.everything({ ...(options as object), signal });
    for await (const { masks, progress } of run) {
      yield { type: "found", masks: partial ? masks.map(found) : [], progress };
    }
    const scene = await run;
    const { masks, levels } = scene;
    yield { type: "scene", image: about(id, image), masks: masks.length, levels: [...levels] };
    for (const mask of masks) yield { type: "mask", ...placeOf(mask), ...found(mask) };
    yield { type: "end" };
  } catch (problem) {
    // The status is out already: the last event says it.
    yield { type: "error", ...refusalOf(problem, told).body };
  }
}

function found({ packed, area, bbox, score, stability, granularity }: FoundMask): FoundBody {
  const { size, counts } = encodePackedRLE(packed, true);
  const { x, y, width, height } = bbox;
  const rle: RLE = { size: [size[0], size[1]], counts: counts as string };
  return { area, bbox: { x, y, width, height }, score, stability, granularity, rle };
}

function placeOf({ id, parent, range: [from, until] }: SceneMask) {
  return { id, parent: parent?.id ?? null, range: [from, Number.isFinite(until) ? until : null] };
}

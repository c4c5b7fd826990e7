import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { encodeBrush } from "@unsam/core/annotations";
import { type PackedMask, packMask } from "@unsam/core/mask";
import { type EncodedImage, type Granularity, NAMED_GRANULARITY, type Segment } from "@unsam/sdk";
import { segmentsFor } from "../routes/answer-prompts.js";
import { type Caller, everythingCost, type Service } from "../service.js";
import { ServiceError } from "../service-error.js";
import { chosenGranularity, promptsOf } from "./drawn-prompts.js";
import { type BrushTag, type LabellingConfig, parseLabellingConfig } from "./labelling-config.js";
import type { TaskPhotos } from "./photos.js";
import type { Drawn, LabelledTask, Predictions, PredictRequest, Region } from "./schemas.js";

/** Most bytes of brush masks in one answer; JSON writes each byte as up to four characters. */
const MOST_BRUSH_BYTES = 2 ** 22;
/** Of a whole photo, where the config names no granularity. */
const MIDDLE = 0.5;

/** What the routes of the backend work with. */
export interface Backend {
  readonly service: Service;
  readonly photos: TaskPhotos;
  readonly mostRegions: number;
}

type Prediction = Predictions["results"][number];

/** Which model answers: Label Studio asks again once it changes. */
export function modelVersion({ modelName, unsam }: Service): string {
  return `unsam ${modelName} ${unsam.engine.info.fingerprint.slice(0, 8)}`;
}

/** A prediction for each task: what was drawn as a brush mask, or the regions of the photo where nothing was. */
export async function predict(
  backend: Backend,
  { tasks, label_config, params }: PredictRequest,
  caller: Caller,
): Promise<Predictions> {
  const config = parseLabellingConfig(label_config);
  const drawn = params?.context?.result ?? [];
  if (drawn.length > 0 && tasks.length !== 1) {
    throw new ServiceError(
      422,
      "E_BAD_REQUEST",
      `The context belongs to one task, and there are ${tasks.length}.`,
    );
  }
  const version = modelVersion(backend.service);
  const results: Prediction[] = [];
  for (const task of tasks) {
    const result =
      drawn.length > 0
        ? await ofDrawn(backend, task, config, drawn, caller)
        : await ofPhoto(backend, task, config, caller);
    const score = result.reduce((sum, one) => sum + one.score, 0) / Math.max(1, result.length);
    results.push({ model_version: version, score, result });
  }
  return { results, model_version: version };
}

async function ofDrawn(
  { service, photos }: Backend,
  task: LabelledTask,
  config: LabellingConfig,
  drawn: readonly Drawn[],
  caller: Caller,
): Promise<Region[]> {
  const toName = drawn.find(({ to_name }) => to_name !== undefined)?.to_name;
  const { image, release } = await photos.lease(
    addressOf(task, brushOf(config, toName, null), config),
    task.id,
    caller,
  );
  try {
    const { prompts, label } = promptsOf(drawn, image);
    const brush = brushOf(config, toName, label);
    const granularity = chosenGranularity(drawn, task) ?? brush.granularity ?? defaultFor(image);
    const asked = prompts.map((prompt) => ({
      ...prompt,
      ...(granularity === undefined ? {} : { granularity }),
    }));
    return await segmentsFor(service, image, { prompts: asked }, caller, async (segments) => {
      const regions: Region[] = [];
      for (const segment of segments) {
        await setImmediate();
        const runs = encodeBrush(packed(segment));
        regions.push(regionOf(runs, segment.score, image, brush, label));
      }
      return regions;
    });
  } finally {
    release();
  }
}

async function ofPhoto(
  { service, photos, mostRegions }: Backend,
  task: LabelledTask,
  config: LabellingConfig,
  caller: Caller,
): Promise<Region[]> {
  if (mostRegions === 0) return [];
  const brush = brushOf(config, undefined, null);
  const { image, release } = await photos.lease(addressOf(task, brush, config), task.id, caller);
  try {
    const at = levelOf(chosenGranularity([], task) ?? brush.granularity);
    const { since, signal } = caller;
    const scene = await service.encodes.run(everythingCost(image.width * image.height), since, signal, () =>
      service.metrics.time("everything", async () => image.everything({ signal })),
    );
    const owners = scene.masks
      .filter(({ range: [from, until] }) => from <= at && at < until)
      .sort((a, b) => b.area - a.area);
    const regions: Region[] = [];
    let bytes = 0;
    for (const { packed, score } of owners.slice(0, mostRegions)) {
      await setImmediate();
      const runs = encodeBrush(packed);
      bytes += runs.length;
      if (bytes > MOST_BRUSH_BYTES) break;
      regions.push(regionOf(runs, score, image, brush, null));
    }
    return regions;
  } finally {
    release();
  }
}

/** The brush of a photo's tag that has the label, else the first one of the tag. Throws 422. */
function brushOf({ brushes }: LabellingConfig, toName: string | undefined, label: string | null): BrushTag {
  const ofTag = brushes.filter((brush) => toName === undefined || brush.toName === toName);
  const [first] = ofTag;
  if (first) return ofTag.find(({ labels }) => label !== null && labels.includes(label)) ?? first;
  throw new ServiceError(
    422,
    "E_BAD_REQUEST",
    `No BrushLabels of the labelling config paint ${JSON.stringify(toName).slice(0, 60)}; add some with this toName.`,
  );
}

function addressOf({ data }: LabelledTask, { toName }: BrushTag, { images }: LabellingConfig): unknown {
  const key = images.get(toName)!;
  return Object.hasOwn(data, key) ? (data as Record<string, unknown>)[key] : undefined;
}

function regionOf(
  rle: number[],
  score: number,
  { width, height }: EncodedImage,
  { name, toName, labels }: BrushTag,
  label: string | null,
): Region {
  const known = label !== null && (labels.length === 0 || labels.includes(label)) ? label : labels[0];
  return {
    id: randomBytes(8).toString("base64url").slice(0, 10),
    type: "brushlabels",
    from_name: name,
    to_name: toName,
    original_width: width,
    original_height: height,
    image_rotation: 0,
    score,
    readonly: false,
    value: { format: "rle", rle, brushlabels: known === undefined ? [] : [known] },
  };
}

function packed({ mask: { words, width, height } }: Segment): PackedMask {
  return packMask(words, width, height);
}

function defaultFor({ model }: EncodedImage): Granularity | undefined {
  return model.capabilities.granularity ? "auto" : undefined;
}

function levelOf(granularity: Granularity | undefined): number {
  if (typeof granularity === "number") return granularity;
  if (granularity === undefined || granularity === null || granularity === "auto") return MIDDLE;
  return NAMED_GRANULARITY[granularity];
}

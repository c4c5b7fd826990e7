import type { Granularity } from "@unsam/sdk";
import type { Prompt } from "../schemas/requests.js";
import { ServiceError } from "../service-error.js";
import { GRANULARITY_CONTROL, granularityOf } from "./labelling-config.js";
import type { Drawn, LabelledTask } from "./schemas.js";

/** Label Studio counts coordinates in percent of the image's width and height. */
const PERCENT = 100;
/** Drafts may hold thousands of regions, and are searched for one control. */
const MOST_SEARCHED = 10_000;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What an annotator asked for. */
export interface DrawnPrompts {
  readonly prompts: readonly Pick<Prompt, "points" | "box">[];
  /** What the smart tool was labelled with; null: nothing. */
  readonly label: string | null;
  /** The tag of the photo that was drawn on. */
  readonly toName: string | undefined;
}

/**
 * Points and rectangles in pixels. Points alone, or with one rectangle, are one prompt; of several rectangles each is one, with
 * the points that lie in it. Throws 422.
 */
export function promptsOf(result: readonly Drawn[], size: Size): DrawnPrompts {
  const drawn = result.filter(({ type }) => isPoint(type) || isRectangle(type));
  if (drawn.length === 0) {
    throw refused(
      "The context holds no keypoint and no rectangle; use the smart tools KeyPointLabels or RectangleLabels",
    );
  }
  const turned = drawn.find(({ image_rotation }) => (image_rotation ?? 0) !== 0);
  if (turned) throw refused(`The photo is turned by ${turned.image_rotation}° in Label Studio; turn it back`);
  const points = drawn.filter(({ type }) => isPoint(type)).map((one) => pointOf(one, size));
  const boxes = drawn.filter(({ type }) => isRectangle(type)).map((one) => boxOf(one, size));
  const last = drawn[drawn.length - 1];
  const prompts =
    boxes.length < 2
      ? [{ ...(points.length > 0 ? { points } : {}), ...(boxes.length > 0 ? { box: boxes[0] } : {}) }]
      : boxes.map((box) => {
          const inside = points.filter(([x, y]) => x >= box[0] && y >= box[1] && x < box[2] && y < box[3]);
          return { box, ...(inside.length > 0 ? { points: inside } : {}) };
        });
  return { prompts, label: labelOf(last), toName: last.to_name };
}

/** What the control named granularity says: in the context, else in the latest draft. Throws 422. */
export function chosenGranularity(
  context: readonly unknown[],
  { drafts }: LabelledTask,
): Granularity | undefined {
  const latest = (Array.isArray(drafts) ? drafts : [])
    .map((draft: unknown) => member(draft, "result"))
    .filter((result) => Array.isArray(result))
    .at(-1);
  for (const result of [context, latest ?? []]) {
    for (const one of result.slice(0, MOST_SEARCHED)) {
      if (member(one, "from_name") !== GRANULARITY_CONTROL) continue;
      const value = member(one, "value");
      const choices = member(value, "choices");
      const found = granularityOf(
        member(value, "number") ?? (Array.isArray(choices) ? choices[0] : undefined),
      );
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function isPoint(type: string | undefined): boolean {
  return type === "keypointlabels" || type === "keypoint";
}

function isRectangle(type: string | undefined): boolean {
  return type === "rectanglelabels" || type === "rectangle";
}

function pointOf({ value, is_positive }: Drawn, { width, height }: Size): [number, number, number] {
  // The right and the lower border belong to the last pixels.
  const x = Math.min(Math.max(0, (percent(value, "x") * width) / PERCENT), width - 0.5);
  const y = Math.min(Math.max(0, (percent(value, "y") * height) / PERCENT), height - 0.5);
  return [x, y, is_positive === false || is_positive === 0 ? 0 : 1];
}

/** The box around a rectangle, which may be turned about its upper left corner; what lies outside of the photo is cut off. */
function boxOf({ value }: Drawn, { width, height }: Size): [number, number, number, number] {
  const [left, top] = [(percent(value, "x") * width) / PERCENT, (percent(value, "y") * height) / PERCENT];
  const wide = (percent(value, "width") * width) / PERCENT;
  const high = (percent(value, "height") * height) / PERCENT;
  const angle = member(value, "rotation");
  const turned = typeof angle === "number" ? (angle * Math.PI) / 180 : 0;
  const [cos, sin] = [Math.cos(turned), Math.sin(turned)];
  const xs = [0, wide * cos, -high * sin, wide * cos - high * sin].map((x) => clamp(left + x, width));
  const ys = [0, wide * sin, high * cos, wide * sin + high * cos].map((y) => clamp(top + y, height));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(0, value), most);
}

function percent(value: unknown, key: string): number {
  const number = member(value, key);
  if (typeof number === "number" && Number.isFinite(number)) return number;
  throw refused(`A region of the context has no ${key}, which is a number in percent`);
}

function labelOf({ type, value }: Drawn): string | null {
  const labels = member(value, type ?? "");
  return Array.isArray(labels) && typeof labels[0] === "string" ? labels[0] : null;
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function refused(problem: string): ServiceError {
  return new ServiceError(422, "E_BAD_REQUEST", `${problem}.`);
}

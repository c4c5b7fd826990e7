import { UnSAMError } from "@unsam/core/errors";
import { Mask } from "@unsam/core/mask";
import type { Prompt, PromptPoint } from "@unsam/core/prompt";
import type { Tensor } from "@unsam/core/tensor";
import { type Granularity, parseGranularity } from "./granularity.js";
import { maskPromptOf, Segment } from "./segment.js";

/** `"foreground"` (1): the mask holds this point; `"background"` (0): it does not; −1: ignored, as official padding. */
export type PointLabel = "foreground" | "background" | 1 | 0 | -1;

/** A click in pixels of the original image, x to the right, y down, 0 at the left and top edge. Foreground unless labelled. */
export type PointInput =
  | readonly [x: number, y: number]
  | readonly [x: number, y: number, label: PointLabel]
  | { readonly x: number; readonly y: number; readonly label?: PointLabel };

/** What to segment. At least one of `points`, `box` and `mask` is needed. */
export interface PromptInput {
  readonly points?: readonly PointInput[] | undefined;
  /** x0, y0, x1, y1 in pixels, with x0 < x1 and y0 < y1. */
  readonly box?: readonly [number, number, number, number] | readonly number[] | undefined;
  /** An earlier segment, its low-resolution logits, or a mask of the image's size. */
  readonly mask?: Segment | Tensor | Mask | undefined;
  /** Default 1, the whole object, where the model knows granularity. */
  readonly granularity?: Granularity | undefined;
}

export interface PromptContext {
  readonly width: number;
  readonly height: number;
  /** Whether the model takes a granularity; one that does not refuses it. */
  readonly granularity: boolean;
  readonly model: string;
}

/** Checks a prompt against the image and the model. Throws `E_BAD_PROMPT`, naming the value at fault. */
export function parsePrompt(input: PromptInput, context: PromptContext): Prompt {
  if (typeof input !== "object" || input === null) {
    throw bad(`A prompt is an object such as { points: [[x, y]] }, not ${show(input)}.`);
  }
  const points = parsePoints(input.points, context);
  const box = input.box === undefined || input.box === null ? null : parseBox(input.box, context);
  const mask = input.mask === undefined || input.mask === null ? null : parseMask(input.mask, context);
  if (points.length === 0 && !box && !mask) {
    throw bad("The prompt is empty; give at least one point, a box or a mask.");
  }
  return { points, box, mask, granularity: granularityFor(input.granularity, context) };
}

function granularityFor(value: Granularity | undefined, context: PromptContext): Prompt["granularity"] {
  if (value === undefined) return context.granularity ? 1 : null;
  const granularity = parseGranularity(value);
  if (granularity !== null && !context.granularity) {
    throw bad(
      `The granularity is ${show(value)}, but ${context.model} is a plain SAM 2 model without granularity; leave it out.`,
    );
  }
  return granularity;
}

function parsePoints(points: PromptInput["points"], context: PromptContext): PromptPoint[] {
  if (points === undefined || points === null) return [];
  if (!Array.isArray(points)) throw bad(`Points are a list such as [[x, y]], not ${show(points)}.`);
  return points.map((point, index) => parsePoint(point, index, context));
}

function parsePoint(point: PointInput, index: number, { width, height }: PromptContext): PromptPoint {
  if (typeof point !== "object" || point === null)
    throw bad(`Point ${index} is ${show(point)}; give [x, y] or { x, y, label }.`);
  const [x, y, given] = isTuple(point) ? point : [point.x, point.y, point.label];
  const label = parseLabel(given, index);
  if (!Number.isFinite(x) || !Number.isFinite(y))
    throw bad(`Point ${index} is (${show(x)}, ${show(y)}); both must be finite numbers.`);
  if (label !== -1 && (x < 0 || y < 0 || x >= width || y >= height)) {
    throw bad(`Point ${index} (${x}, ${y}) lies outside the image of ${width} × ${height} pixels.`);
  }
  return { x, y, label };
}

function isTuple(point: PointInput): point is Extract<PointInput, readonly unknown[]> {
  if (!Array.isArray(point)) return false;
  if (point.length < 2 || point.length > 3)
    throw bad(`A point has two coordinates and perhaps a label, not ${show(point)}.`);
  return true;
}

function parseLabel(label: unknown, index: number): 1 | 0 | -1 {
  if (label === undefined || label === "foreground" || label === 1) return 1;
  if (label === "background" || label === 0) return 0;
  if (label === -1) return -1;
  throw bad(
    `The label of point ${index} is ${show(label)}; give "foreground" (1), "background" (0) or -1 (ignored).`,
  );
}

function parseBox(
  box: readonly number[],
  { width, height }: PromptContext,
): [number, number, number, number] {
  if (!Array.isArray(box) || box.length !== 4 || !box.every((side) => Number.isFinite(side))) {
    throw bad(`The box is ${show(box)}; give four finite numbers x0, y0, x1, y1.`);
  }
  const [x0, y0, x1, y1] = box as [number, number, number, number];
  if (x1 <= x0 || y1 <= y0) {
    throw bad(`The box (${box.join(", ")}) has no area; x0 must be below x1 and y0 below y1.`);
  }
  if (x0 < 0 || y0 < 0 || x1 > width || y1 > height) {
    throw bad(`The box (${box.join(", ")}) leaves the image of ${width} × ${height} pixels; clip it first.`);
  }
  return [x0, y0, x1, y1];
}

function parseMask(mask: Segment | Tensor | Mask, { width, height }: PromptContext): Tensor | Mask {
  if (mask instanceof Segment) return maskPromptOf(mask.logits);
  if (mask instanceof Mask) {
    if (mask.width === width && mask.height === height) return mask;
    throw bad(
      `The mask prompt has ${mask.width} × ${mask.height} pixels, the image ${width} × ${height}; they must agree.`,
    );
  }
  const { data, shape } = mask;
  if (!(data instanceof Float32Array) || !Array.isArray(shape)) {
    throw bad(
      "The mask prompt must be a segment, its logits ({ data: Float32Array, shape: [h, w] }) or a Mask.",
    );
  }
  // Official mask inputs are [1, h, w] or [1, 1, h, w]: leading ones say nothing here.
  const sides = shape.slice();
  while (sides.length > 2 && sides[0] === 1) sides.shift();
  if (sides.length !== 2 || sides[0] * sides[1] !== data.length || data.length === 0) {
    throw bad(
      `The mask prompt has shape [${shape.join(", ")}] and ${data.length} values; logits of shape [h, w] are needed.`,
    );
  }
  if (!data.every(Number.isFinite)) throw bad("The mask prompt holds values that are not finite numbers.");
  return maskPromptOf({ data, shape: sides });
}

function show(value: unknown): string {
  if (typeof value === "number") return `${value}`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_PROMPT", message);
}

import { shownValue, UnSAMError } from "@unsam/core/errors";
import { Mask } from "@unsam/core/mask";
import { MOST_POINTS, type Prompt, type PromptPoint } from "@unsam/core/prompt";
import type { Tensor } from "@unsam/core/tensor";
import { type Granularity, parseGranularity } from "./granularity.js";
import { Segment } from "./segment.js";

/** `"foreground"` (1): the mask holds this point; `"background"` (0): it does not; −1: ignored, as official padding. */
export type PointLabel = "foreground" | "background" | 1 | 0 | -1;

/** Numbers in a typed array of any kind but the 64-bit integers. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array;

/**
 * A click in pixels of the original image, x to the right, y down, 0 at the left and top edge. Foreground unless
 * labelled. A typed array holds the numbers of the tuple.
 */
export type PointInput =
  | readonly [x: number, y: number]
  | readonly [x: number, y: number, label: PointLabel]
  | { readonly x: number; readonly y: number; readonly label?: PointLabel | undefined }
  | NumberArray;

/** What to segment. At least one of `points`, `box` and `mask` is needed. */
export interface PromptInput {
  /** At most 5000. A typed array holds x and y of one foreground point after the other. */
  readonly points?: readonly PointInput[] | NumberArray | undefined;
  /** x0, y0, x1, y1 in pixels, with x0 < x1 and y0 < y1. */
  readonly box?: readonly [number, number, number, number] | readonly number[] | NumberArray | undefined;
  /** An earlier segment, logits [h, w] as a segment has them (they count within ±32), or a mask of the image's size. */
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
    throw bad(`A prompt is an object such as { points: [[x, y]] }, not ${shownValue(input)}.`);
  }
  checkPromptKeys(input, ["points", "box", "mask", "granularity"], "A prompt");
  const points = parsePoints(input.points, context);
  const box = input.box === undefined || input.box === null ? null : parseBox(input.box, context);
  const mask = input.mask === undefined || input.mask === null ? null : parseMask(input.mask, context);
  if (points.length === 0 && !box && !mask) {
    throw bad("The prompt is empty; give at least one point, a box or a mask.");
  }
  return { points, box, mask, granularity: granularityFor(input.granularity, context) };
}

/** A misspelt key would drop a click or a label in silence. Throws `E_BAD_PROMPT`. */
function checkPromptKeys(value: object, known: readonly string[], what: string): void {
  const extra = Object.keys(value).find((key) => !known.includes(key));
  if (extra === undefined) return;
  throw bad(`${what} has no ${shownValue(extra)}; it has ${known.join(", ")}.`);
}

function granularityFor(value: Granularity | undefined, context: PromptContext): Prompt["granularity"] {
  if (value === undefined) return context.granularity ? 1 : null;
  const granularity = parseGranularity(value);
  if (granularity !== null && !context.granularity) {
    throw bad(
      `The granularity is ${shownValue(value)}, but ${context.model} is a model without granularity; leave it out.`,
    );
  }
  return granularity;
}

function parsePoints(points: PromptInput["points"], context: PromptContext): PromptPoint[] {
  if (points === undefined || points === null) return [];
  if (isNumberArray(points)) return flatPoints(points, context);
  if (!Array.isArray(points)) throw bad(`Points are a list such as [[x, y]], not ${shownValue(points)}.`);
  checkCount(points.length);
  // `Array.from` also visits what a sparse list leaves out.
  return Array.from(points as readonly PointInput[], (point, index) => parsePoint(point, index, context));
}

function flatPoints(numbers: NumberArray, context: PromptContext): PromptPoint[] {
  if (numbers.length % 2 !== 0) {
    throw bad(
      `The points are a typed array of ${numbers.length} numbers; give x and y of each point, or a list of points.`,
    );
  }
  checkCount(numbers.length / 2);
  return Array.from({ length: numbers.length / 2 }, (_, index) =>
    parsePoint([numbers[2 * index], numbers[2 * index + 1]], index, context),
  );
}

function checkCount(points: number): void {
  if (points <= MOST_POINTS) return;
  throw bad(
    `There are ${points} points; a prompt takes at most ${MOST_POINTS}. Leave some out, or give a mask instead.`,
  );
}

function parsePoint(point: PointInput, index: number, { width, height }: PromptContext): PromptPoint {
  const [x, y, given] = numbersOf(point, index);
  const label = parseLabel(given, index);
  if (typeof x !== "number" || typeof y !== "number" || !Number.isFinite(x) || !Number.isFinite(y)) {
    throw bad(`Point ${index} is ${shownValue(point)}; x and y must be finite numbers.`);
  }
  if (label !== -1 && (x < 0 || y < 0 || x >= width || y >= height)) {
    throw bad(`Point ${index} (${x}, ${y}) lies outside the image of ${width} × ${height} pixels.`);
  }
  return { x, y, label };
}

/** x, y and label of a point, whatever they are. */
function numbersOf(point: PointInput, index: number): readonly unknown[] {
  if (Array.isArray(point) || isNumberArray(point)) {
    const list = point as ArrayLike<unknown>;
    if (list.length === 2 || list.length === 3) return Array.from(list);
    throw bad(`A point has two coordinates and perhaps a label, not ${shownValue(point)}.`);
  }
  if (typeof point === "object" && point !== null && "x" in point && "y" in point) {
    checkPromptKeys(point, ["x", "y", "label"], `Point ${index}`);
    return [point.x, point.y, point.label];
  }
  throw bad(`Point ${index} is ${shownValue(point)}; give [x, y] or { x, y, label }.`);
}

/** Also of another realm, whose classes are not ours. */
function isNumberArray(value: unknown): value is NumberArray {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) !== "[object DataView]";
}

function parseLabel(label: unknown, index: number): 1 | 0 | -1 {
  if (label === undefined || label === "foreground" || label === 1) return 1;
  if (label === "background" || label === 0) return 0;
  if (label === -1) return -1;
  throw bad(
    `The label of point ${index} is ${shownValue(label)}; give "foreground" (1), "background" (0) or -1 (ignored).`,
  );
}

function parseBox(
  box: NonNullable<PromptInput["box"]>,
  { width, height }: PromptContext,
): [number, number, number, number] {
  const sides: readonly unknown[] = Array.isArray(box) || isNumberArray(box) ? Array.from(box) : [];
  if (sides.length !== 4 || !sides.every((side) => typeof side === "number" && Number.isFinite(side))) {
    throw bad(`The box is ${shownValue(box)}; give four finite numbers x0, y0, x1, y1.`);
  }
  const [x0, y0, x1, y1] = sides as [number, number, number, number];
  if (x1 <= x0 || y1 <= y0) {
    throw bad(`The box (${sides.join(", ")}) has no area; x0 must be below x1 and y0 below y1.`);
  }
  if (x0 < 0 || y0 < 0 || x1 > width || y1 > height) {
    throw bad(
      `The box (${sides.join(", ")}) leaves the image of ${width} × ${height} pixels; clip it first.`,
    );
  }
  return [x0, y0, x1, y1];
}

function parseMask(mask: Segment | Tensor | Mask, { width, height }: PromptContext): Tensor | Mask {
  if (mask instanceof Segment) return mask.logits;
  if (mask instanceof Mask) {
    if (mask.width === width && mask.height === height) return mask;
    throw bad(
      `The mask prompt has ${mask.width} × ${mask.height} pixels, the image ${width} × ${height}; they must agree.`,
    );
  }
  const { data, shape } = typeof mask === "object" ? mask : ({} as Partial<Tensor>);
  if (!(data instanceof Float32Array) || !Array.isArray(shape)) {
    throw bad(
      `The mask prompt must be a segment, its logits ({ data: Float32Array, shape: [h, w] }) or a Mask, not ${shownValue(mask)}.`,
    );
  }
  // Official mask inputs are [1, h, w] or [1, 1, h, w]: leading ones say nothing here.
  const sides = shape.slice();
  while (sides.length > 2 && sides[0] === 1) sides.shift();
  const sound = sides.length === 2 && sides.every((side) => Number.isInteger(side) && side >= 1);
  if (!sound || sides[0] * sides[1] !== data.length) {
    throw bad(
      `The mask prompt has shape ${shownValue(shape)} and ${data.length} values; logits of shape [h, w] are needed.`,
    );
  }
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw bad(`The mask prompt holds ${data[wrong]} at place ${wrong}, which is not finite.`);
  return { data, shape: sides };
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_PROMPT", message);
}

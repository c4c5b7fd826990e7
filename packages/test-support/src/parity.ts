import { readFileSync } from "node:fs";
import path from "node:path";
import { shared } from "./shared.js";

/** An array of the reference data. */
export interface ReferenceFile {
  readonly file: string;
  readonly shape: readonly number[];
}

/** One prompt case of a parity fixture, as in its `prompts.json` (see the README beside it). */
export interface ParityCase {
  readonly id: string;
  readonly image: string;
  readonly points: readonly (readonly (readonly [number, number])[])[] | null;
  readonly labels: readonly (readonly (1 | 0 | -1)[])[] | null;
  readonly boxes: readonly (readonly [number, number, number, number])[] | null;
  readonly mask_input: ReferenceFile | null;
  readonly granularity: number | readonly number[] | null;
  readonly multimask_output: boolean;
  readonly batch: number;
  readonly expected: {
    readonly low_res_logits: ReferenceFile;
    readonly predicted_iou: ReferenceFile;
    readonly object_score_logits: ReferenceFile;
    readonly mask: readonly { readonly file: string; readonly entry?: number; readonly token?: number }[];
    readonly mask_tokens?: readonly (readonly number[])[];
    readonly stability?: readonly number[];
  };
}

export interface ParityImage {
  readonly id: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

export interface ParityFixture {
  readonly images: readonly ParityImage[];
  readonly cases: readonly ParityCase[];
  /** Path of a file of the fixture. */
  path(file: string): string;
}

/** A fixture of the shared folder, for example `unsamv2-mini`. */
export function parityFixture(name: string): ParityFixture {
  const { images, cases } = JSON.parse(readFileSync(shared("parity", name, "prompts.json"), "utf8"));
  return { images, cases, path: (file) => path.join(shared("parity", name), file) };
}

/** ‖a − b‖ / ‖b‖ over all elements: the error of `a` relative to the reference `b`. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values cannot be compared with ${b.length}.`);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}

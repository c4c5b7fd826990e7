import { bootstrapInterval } from "../../metrics/bootstrap.js";
import { clicksUntil } from "../../metrics/interactive.js";
import { mean } from "../../metrics/iou.js";
import type { NamedValues } from "../../metrics/paired-bootstrap.js";
import { type RecallSummary, recallSummary } from "../summarise.js";
import type { ObjectScore, ObjectsScore } from "./score-objects.worker.js";

/** What is measured of each object. */
export const OBJECT_MEASURES = {
  noc80: ({ ious }) => clicksUntil(ious, 0.8),
  noc85: ({ ious }) => clicksUntil(ious, 0.85),
  noc90: ({ ious }) => clicksUntil(ious, 0.9),
  oneClickIou: ({ ious }) => ious[0],
} as const satisfies Record<string, (score: ObjectScore) => number>;
export type ObjectMeasure = keyof typeof OBJECT_MEASURES;
export const OBJECT_MEASURE_NAMES = Object.keys(OBJECT_MEASURES) as readonly ObjectMeasure[];

/** A mean over objects and its 95 % interval, by resampling images. */
export interface MeanOfObjects {
  readonly mean: number;
  readonly interval: readonly [low: number, high: number];
}

/** Figures of one method on one benchmark; null: not asked for, or there was no object. */
export type ObjectsSummary = { readonly [Name in ObjectMeasure]: MeanOfObjects | null } & {
  readonly images: number;
  readonly objects: number;
  /** Share of objects that do not reach IoU 0.9 in 20 clicks. */
  readonly failures90: number | null;
  readonly averageRecall: RecallSummary | null;
};

export function summariseObjects(images: readonly ObjectsScore[], seed: number): ObjectsSummary {
  const groups = images.map(({ objects }) => objects);
  const all = groups.flat();
  const summary = (name: ObjectMeasure): MeanOfObjects | null => {
    const values = groups.map((objects) => objects.map(OBJECT_MEASURES[name]));
    const interval = bootstrapInterval(values, seed);
    return interval && { mean: mean(values.flat()), interval };
  };
  const failed = all.filter(({ ious }) => Math.max(...ious) < 0.9).length;
  return {
    images: images.length,
    objects: all.length,
    noc80: summary("noc80"),
    noc85: summary("noc85"),
    noc90: summary("noc90"),
    oneClickIou: summary("oneClickIou"),
    failures90: all.length > 0 ? failed / all.length : null,
    averageRecall: recallSummary(images.map(({ recall }) => recall)),
  };
}

/** Values of one measure by image and object, for comparisons of methods. */
export function objectValues(images: readonly ObjectsScore[], name: ObjectMeasure): NamedValues {
  return new Map(
    images.map(({ image, objects }) => [
      image,
      new Map(objects.map((one) => [`${one.annotator}/${one.region}`, OBJECT_MEASURES[name](one)])),
    ]),
  );
}

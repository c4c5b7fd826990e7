import { expect, it } from "vitest";
import {
  boxBetween,
  changed,
  EMPTY_DOCUMENT,
  keyOf,
  selectedObject,
  withBox,
  withClick,
  withObject,
  withoutObject,
  withStroke,
} from "../page/state/document.ts";
import { advance, historyOf, redo, undo } from "../page/state/history.ts";
import { autoIndex, granularityOf, indexAt, type Ladder, spanOf, stepFrom } from "../page/state/ladder.ts";
import { fitted, moved, onPhoto, onScreen, zoomed } from "../page/view/viewport.ts";

const click = { x: 10, y: 20, isWanted: true };

it("a click begins an object, further ones belong to the selected one, and each object has its own name and colour", () => {
  const one = withClick(EMPTY_DOCUMENT, click);
  expect(one.objects.map(({ name }) => name)).toEqual(["Object 1"]);
  const both = withClick(one, { ...click, isWanted: false });
  expect(both.objects[0].asked.clicks).toHaveLength(2);
  const two = withStroke(withObject(both), { radius: 3, points: [[1, 2]] });
  expect(two.objects.map(({ asked }) => [asked.clicks.length, asked.strokes.length])).toEqual([
    [2, 0],
    [0, 1],
  ]);
  expect(new Set(two.objects.map(({ colour }) => colour)).size).toBe(2);
  expect(selectedObject(two)?.id).toBe(2);
  // The neighbour is selected when one goes, and numbers are not given twice.
  const left = withoutObject(two, 2);
  expect([left.selected, withObject(left).objects.at(-1)?.name]).toEqual([1, "Object 3"]);
  expect(withoutObject(withoutObject(two, 2), 1).selected).toBeNull();
});

it("an object that came from the scene keeps its mask: the next click begins another", () => {
  const region = {
    counts: "0",
    bbox: { x: 0, y: 0, width: 1, height: 1 },
    area: 1,
    score: 1,
    stability: 1,
    granularity: 1,
  };
  const kept = withObject(EMPTY_DOCUMENT, { region });
  expect(withClick(kept, click).objects.map((object) => object.region === null)).toEqual([false, true]);
});

it("a box goes between two corners in any order, within the photo, and has at least a pixel", () => {
  const photo = { width: 100, height: 50 };
  expect(boxBetween([90, 60], [-5, 10], photo)).toEqual([0, 10, 90, 50]);
  expect(boxBetween([10, 10], [10.5, 40], photo)).toBeNull();
  expect(withBox(EMPTY_DOCUMENT, [1, 2, 3, 4]).objects[0].asked.box).toEqual([1, 2, 3, 4]);
});

it("objects that ask the same share an answer, others do not", () => {
  const asked = (isWanted: boolean) => withClick(EMPTY_DOCUMENT, { ...click, isWanted }).objects[0].asked;
  expect(keyOf(asked(true))).toBe(keyOf(asked(true)));
  expect(keyOf(asked(true))).not.toBe(keyOf(asked(false)));
});

it("steps are undone and done again; what a slider does in one go is one step", () => {
  const first = withClick(EMPTY_DOCUMENT, click);
  let history = advance(historyOf(EMPTY_DOCUMENT), first);
  for (const granularity of [0.2, 0.3, 0.4]) {
    history = advance(history, changed(history.present, 1, { granularity }), "granularity 1");
  }
  expect(history.past).toHaveLength(2);
  const back = undo(history);
  expect(back.present).toBe(first);
  expect(redo(back).present.objects[0].granularity).toBe(0.4);
  expect(undo(undo(undo(back))).present).toBe(EMPTY_DOCUMENT);
  // A new step forgets what was undone, and begins a new slide.
  const other = advance(back, changed(first, 1, { granularity: 0.9 }), "granularity 1");
  expect([other.future.length, other.past.length]).toEqual([0, 2]);
});

const scale = (from: number, to: number, isStable = false) =>
  ({ levels: [from, to], range: [from, to], isStable, segment: {} }) as unknown as Ladder["scales"][number];
const ladder: Ladder = {
  scales: [scale(0.1, 0.2), scale(0.3, 0.5, true), scale(0.6, 1)],
  hasGranularity: true,
  milliseconds: 1,
};

it("the slider is divided half-way between the levels of neighbouring scales, without a gap", () => {
  const spans = ladder.scales.map((_, k) => spanOf(ladder, k));
  expect(spans.flat()).toEqual([0.1, 0.25, 0.25, 0.55, 0.55, 1].map((value) => expect.closeTo(value, 9)));
  expect([0.1, 0.24, 0.26, 0.54, 0.56, 1].map((value) => indexAt(ladder, value))).toEqual([0, 0, 1, 1, 2, 2]);
  expect([autoIndex(ladder), indexAt(ladder, "auto"), granularityOf(ladder, "auto")]).toEqual([1, 1, 0.4]);
});

it("arrow keys go to the next different scale and end at the ends", () => {
  expect(indexAt(ladder, stepFrom(ladder, "auto", "coarser")!)).toBe(2);
  expect(indexAt(ladder, stepFrom(ladder, 0.54, "finer")!)).toBe(0);
  expect([stepFrom(ladder, 1, "coarser"), stepFrom(ladder, 0.1, "finer")]).toEqual([null, null]);
});

it("zooming keeps the point under the pointer, and there is always some of the photo in view", () => {
  const [photo, screen] = [
    { width: 4000, height: 3000 },
    { width: 800, height: 600 },
  ];
  const whole = fitted(photo, screen);
  expect(whole.scale).toBeCloseTo(568 / 3000, 9);
  const at = { x: 300, y: 200 };
  const near = zoomed(whole, 4, at, photo, screen);
  expect(onPhoto(near, at).x).toBeCloseTo(onPhoto(whole, at).x, 6);
  expect(onScreen(near, onPhoto(near, at)).y).toBeCloseTo(at.y, 9);
  const far = moved(near, { x: 1e9, y: -1e9 }, photo, screen);
  expect([far.left, far.top + far.scale * photo.height]).toEqual([740, 60].map((v) => expect.closeTo(v, 6)));
});

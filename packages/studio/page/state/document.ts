// What a user has made of one photo, as plain values: each change makes a new document.

/** A click, in pixels of the photo. */
export interface Click {
  readonly x: number;
  readonly y: number;
  /** Of what is wanted, else of what is not. */
  readonly isWanted: boolean;
}

/** x0, y0, x1, y1 in pixels of the photo. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** A stroke of the brush, in pixels of the photo. */
export interface Stroke {
  readonly radius: number;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** What is asked for. */
export interface Asked {
  readonly clicks: readonly Click[];
  readonly box: Box | null;
  /** Together they are a mask prompt. */
  readonly strokes: readonly Stroke[];
}

/** A mask that was taken from the whole scene, as the service sent it. */
export interface Region {
  /** COCO's compressed run lengths. */
  readonly counts: string;
  readonly bbox: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  readonly area: number;
  readonly score: number;
  readonly stability: number;
  readonly granularity: number | null;
}

export interface StudioObject {
  readonly id: number;
  readonly name: string;
  /** "#rrggbb" */
  readonly colour: string;
  readonly asked: Asked;
  /** From 0 (fine) to 1 (coarse), or what the model finds most stable. */
  readonly granularity: number | "auto";
  /** Where it came from the scene; it has no prompt then. */
  readonly region: Region | null;
}

export interface StudioDocument {
  readonly objects: readonly StudioObject[];
  readonly selected: number | null;
  readonly nextId: number;
}

/** Told apart by people of all kinds of colour vision (Okabe and Ito 2008), made brighter for photos. */
export const COLOURS = [
  "#e69f00",
  "#38a7e8",
  "#00b386",
  "#f05039",
  "#b279d6",
  "#f0d800",
  "#3d6fe0",
  "#e274b4",
] as const;

export const NOTHING_ASKED: Asked = { clicks: [], box: null, strokes: [] };
export const EMPTY_DOCUMENT: StudioDocument = { objects: [], selected: null, nextId: 1 };

export function isAsked({ clicks, box, strokes }: Asked): boolean {
  return clicks.length > 0 || box !== null || strokes.length > 0;
}

export function selectedObject({ objects, selected }: StudioDocument): StudioObject | null {
  return objects.find(({ id }) => id === selected) ?? null;
}

/** A new object, selected. */
export function withObject(
  document: StudioDocument,
  given: Partial<Pick<StudioObject, "asked" | "region" | "granularity">> = {},
): StudioDocument {
  const { objects, nextId } = document;
  const object: StudioObject = {
    id: nextId,
    name: `Object ${nextId}`,
    colour: COLOURS[(nextId - 1) % COLOURS.length],
    asked: NOTHING_ASKED,
    granularity: "auto",
    region: null,
    ...given,
  };
  return { objects: [...objects, object], selected: nextId, nextId: nextId + 1 };
}

export function withoutObject(document: StudioDocument, id: number): StudioDocument {
  const at = document.objects.findIndex((object) => object.id === id);
  if (at < 0) return document;
  const objects = document.objects.filter((object) => object.id !== id);
  const neighbour = objects[Math.min(at, objects.length - 1)]?.id ?? null;
  return { ...document, objects, selected: document.selected === id ? neighbour : document.selected };
}

export function changed(
  document: StudioDocument,
  id: number,
  change: Partial<Omit<StudioObject, "id">>,
): StudioDocument {
  return {
    ...document,
    objects: document.objects.map((object) => (object.id === id ? { ...object, ...change } : object)),
  };
}

/** Changes what the selected object asks for; an object that came from the scene, or none, begins a new one. */
export function asking(document: StudioDocument, change: (asked: Asked) => Asked): StudioDocument {
  const object = selectedObject(document);
  if (object && object.region === null) {
    return changed(document, object.id, { asked: change(object.asked) });
  }
  return withObject(document, { asked: change(NOTHING_ASKED) });
}

export function withClick(document: StudioDocument, click: Click): StudioDocument {
  return asking(document, (asked) => ({ ...asked, clicks: [...asked.clicks, click] }));
}

export function withBox(document: StudioDocument, box: Box): StudioDocument {
  return asking(document, (asked) => ({ ...asked, box }));
}

export function withStroke(document: StudioDocument, stroke: Stroke): StudioDocument {
  return asking(document, (asked) => ({ ...asked, strokes: [...asked.strokes, stroke] }));
}

/** A box between two corners in any order; null: it has no pixel. */
export function boxBetween(
  from: readonly [number, number],
  to: readonly [number, number],
  { width, height }: { readonly width: number; readonly height: number },
): Box | null {
  const within = (value: number, most: number) => Math.min(most, Math.max(0, value));
  const [x0, x1] = [from[0], to[0]].map((x) => within(x, width)).sort((a, b) => a - b);
  const [y0, y1] = [from[1], to[1]].map((y) => within(y, height)).sort((a, b) => a - b);
  return x1 - x0 >= 1 && y1 - y0 >= 1 ? [x0, y0, x1, y1] : null;
}

/** One text for one prompt: objects that ask the same share an answer. */
export function keyOf(asked: Asked): string {
  return JSON.stringify([
    asked.clicks.map(({ x, y, isWanted }) => [x, y, isWanted]),
    asked.box,
    asked.strokes,
  ]);
}

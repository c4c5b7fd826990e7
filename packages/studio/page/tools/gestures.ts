interface Point {
  readonly x: number;
  readonly y: number;
}

/** What a hand does on the photo, in CSS pixels from its upper left corner. */
export interface Gestures {
  /** The pointer is somewhere, nothing pressed; `isTouch`: a finger just went up there. */
  hover(at: Point): void;
  leave(): void;
  click(at: Point, isBackground: boolean): void;
  /** Something is being dragged; how it ends is told by `drop`. */
  drag(from: Point, to: Point): void;
  drop(from: Point, to: Point): void;
  /** A drag came to nothing: a second finger, or Escape. */
  cancel(): void;
  pan(by: Point): void;
  zoom(factor: number, around: Point): void;
  /** Whether a drag moves the photo instead. */
  readonly isMoving: boolean;
}

const STILL = 5;
const STILL_TOUCH = 10;

/** Tells mouse, pen and fingers apart as gestures. Returns how to end listening. */
export function listenToGestures(element: HTMLElement, gestures: Gestures): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const fingers = new Map<number, Point>();
  let start: (Point & { readonly button: number; readonly isPan: boolean; readonly isAlt: boolean }) | null =
    null;
  let last: Point = { x: 0, y: 0 };
  let isDrag = false;

  const placeOf = (event: MouseEvent): Point => {
    const { left, top } = element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const pinch = (id: number, to: Point) => {
    const [other] = [...fingers].filter(([one]) => one !== id).map(([, point]) => point);
    const from = fingers.get(id)!;
    fingers.set(id, to);
    const distance = (a: Point, b: Point) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    const middle = (a: Point, b: Point) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    const [before, after] = [middle(from, other), middle(to, other)];
    gestures.pan({ x: after.x - before.x, y: after.y - before.y });
    gestures.zoom(distance(to, other) / distance(from, other), after);
  };

  const down = (event: PointerEvent) => {
    const at = placeOf(event);
    element.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") fingers.set(event.pointerId, at);
    if (fingers.size > 1) {
      if (isDrag && start && !start.isPan) gestures.cancel();
      start = null;
      return;
    }
    const isPan = event.button === 1 || (gestures.isMoving && event.button === 0);
    start = { ...at, button: event.button, isPan, isAlt: event.altKey };
    last = at;
    isDrag = false;
    if (event.button === 1) event.preventDefault();
  };
  const move = (event: PointerEvent) => {
    const at = placeOf(event);
    if (fingers.size > 1 && fingers.has(event.pointerId)) {
      pinch(event.pointerId, at);
      return;
    }
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at);
    if (!start) {
      if (event.buttons === 0) gestures.hover(at);
      return;
    }
    const still = event.pointerType === "touch" ? STILL_TOUCH : STILL;
    isDrag ||= Math.hypot(at.x - start.x, at.y - start.y) > still;
    if (isDrag && start.isPan) gestures.pan({ x: at.x - last.x, y: at.y - last.y });
    else if (isDrag && start.button === 0) gestures.drag(start, at);
    last = at;
  };
  const up = (event: PointerEvent) => {
    fingers.delete(event.pointerId);
    const began = start;
    start = null;
    if (!began) return;
    const at = placeOf(event);
    if (!isDrag && !began.isPan) gestures.click(at, began.button === 2 || began.isAlt);
    else if (isDrag && !began.isPan && began.button === 0) gestures.drop(began, at);
  };
  const gone = (event: PointerEvent) => {
    fingers.delete(event.pointerId);
    if (start && isDrag && !start.isPan) gestures.cancel();
    start = null;
  };
  element.addEventListener("pointerdown", down, { signal });
  element.addEventListener("pointermove", move, { signal });
  element.addEventListener("pointerup", up, { signal });
  element.addEventListener("pointercancel", gone, { signal });
  element.addEventListener("pointerleave", () => start ?? gestures.leave(), { signal });
  element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const speed = event.ctrlKey ? 0.01 : 0.0015;
      gestures.zoom(Math.exp(-event.deltaY * lines * speed), placeOf(event));
    },
    { signal, passive: false },
  );
  return () => ending.abort();
}

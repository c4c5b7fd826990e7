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
  const hand = new Hand(element, gestures);
  element.addEventListener("pointerdown", (event) => hand.down(event), { signal });
  element.addEventListener("pointermove", (event) => hand.move(event), { signal });
  element.addEventListener("pointerup", (event) => hand.up(event), { signal });
  element.addEventListener("pointercancel", (event) => hand.gone(event), { signal });
  element.addEventListener("pointerleave", () => hand.leave(), { signal });
  element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  element.addEventListener("wheel", (event) => hand.wheel(event), { signal, passive: false });
  return () => ending.abort();
}

/** What is pressed, and since where. */
class Hand {
  readonly #element: HTMLElement;
  readonly #gestures: Gestures;
  readonly #fingers = new Map<number, Point>();
  #start: (Point & { readonly button: number; readonly isPan: boolean; readonly isAlt: boolean }) | null =
    null;
  #last: Point = { x: 0, y: 0 };
  #isDrag = false;

  constructor(element: HTMLElement, gestures: Gestures) {
    this.#element = element;
    this.#gestures = gestures;
  }

  down(event: PointerEvent): void {
    const at = this.#placeOf(event);
    this.#element.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") this.#fingers.set(event.pointerId, at);
    if (this.#fingers.size > 1) {
      if (this.#isDrag && this.#start && !this.#start.isPan) this.#gestures.cancel();
      this.#start = null;
      return;
    }
    const isPan = event.button === 1 || (this.#gestures.isMoving && event.button === 0);
    this.#start = { ...at, button: event.button, isPan, isAlt: event.altKey };
    this.#last = at;
    this.#isDrag = false;
    if (event.button === 1) event.preventDefault();
  }

  move(event: PointerEvent): void {
    const at = this.#placeOf(event);
    if (this.#fingers.size > 1 && this.#fingers.has(event.pointerId)) {
      this.#pinch(event.pointerId, at);
      return;
    }
    if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, at);
    const start = this.#start;
    if (!start) {
      if (event.buttons === 0) this.#gestures.hover(at);
      return;
    }
    const still = event.pointerType === "touch" ? STILL_TOUCH : STILL;
    this.#isDrag ||= Math.hypot(at.x - start.x, at.y - start.y) > still;
    if (this.#isDrag && start.isPan) this.#gestures.pan({ x: at.x - this.#last.x, y: at.y - this.#last.y });
    else if (this.#isDrag && start.button === 0) this.#gestures.drag(start, at);
    this.#last = at;
  }

  up(event: PointerEvent): void {
    this.#fingers.delete(event.pointerId);
    const began = this.#start;
    this.#start = null;
    if (!began) return;
    const at = this.#placeOf(event);
    if (!this.#isDrag && !began.isPan) this.#gestures.click(at, began.button === 2 || began.isAlt);
    else if (this.#isDrag && !began.isPan && began.button === 0) this.#gestures.drop(began, at);
  }

  gone(event: PointerEvent): void {
    this.#fingers.delete(event.pointerId);
    if (this.#start && this.#isDrag && !this.#start.isPan) this.#gestures.cancel();
    this.#start = null;
  }

  leave(): void {
    if (!this.#start) this.#gestures.leave();
  }

  wheel(event: WheelEvent): void {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0015;
    this.#gestures.zoom(Math.exp(-event.deltaY * lines * speed), this.#placeOf(event));
  }

  #placeOf(event: MouseEvent): Point {
    const { left, top } = this.#element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  #pinch(id: number, to: Point): void {
    const [other] = [...this.#fingers].filter(([one]) => one !== id).map(([, point]) => point);
    const from = this.#fingers.get(id)!;
    this.#fingers.set(id, to);
    const distance = (a: Point, b: Point) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    const middle = (a: Point, b: Point) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    const [before, after] = [middle(from, other), middle(to, other)];
    this.#gestures.pan({ x: after.x - before.x, y: after.y - before.y });
    this.#gestures.zoom(distance(to, other) / distance(from, other), after);
  }
}

import { maskAt } from "../masks/label-map.ts";
import type { Studio } from "../session/studio.ts";
import {
  boxBetween,
  type Stroke,
  withBox,
  withObject,
  withoutObject,
  withStroke,
} from "../state/document.ts";
import { ownersAt } from "../state/scene.ts";
import { type Gestures, listenToGestures } from "../tools/gestures.ts";
import { fitted, isOn, moved, onPhoto, showing, type Viewport, zoomed } from "../view/viewport.ts";
import { type Draft, NO_DRAFT, Painter } from "./painter.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The photo on the screen: what is drawn when, and what hands and keys on it mean. */
export class StageControl implements Gestures {
  readonly #studio: Studio;
  readonly #root: HTMLElement;
  readonly #painter: Painter;
  readonly #ending: (() => void)[] = [];
  #viewport: Viewport = { left: 0, top: 0, scale: 1 };
  #draft: Draft = NO_DRAFT;
  #picture: ImageBitmap | null = null;
  #isPhotoDrawn = false;
  #frame = 0;
  /** First corner of a box that is made with keys. */
  #corner: Point | null = null;

  constructor(studio: Studio, root: HTMLElement, photo: HTMLCanvasElement, over: HTMLCanvasElement) {
    this.#studio = studio;
    this.#root = root;
    this.#painter = new Painter(photo, over);
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(root);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const repaint = () => this.#redraw(true);
    scheme.addEventListener("change", repaint);
    this.#ending.push(
      () => observer.disconnect(),
      () => scheme.removeEventListener("change", repaint),
      listenToGestures(root, this),
      studio.subscribe(() => this.#changed()),
      () => cancelAnimationFrame(this.#frame),
    );
    this.#changed();
  }

  end(): void {
    for (const end of this.#ending) end();
  }

  get isMoving(): boolean {
    return this.#studio.state.tool === "move";
  }

  get scale(): number {
    return this.#viewport.scale;
  }

  #changed(): void {
    const picture = this.#studio.state.photo?.picture ?? null;
    if (picture !== this.#picture) {
      this.#picture = picture;
      this.#draft = NO_DRAFT;
      this.#corner = null;
      this.fit();
    }
    this.#redraw(false);
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#root;
    this.#painter.resize(clientWidth, clientHeight);
    this.fit();
  }

  #redraw(withPhoto: boolean): void {
    if (withPhoto) this.#isPhotoDrawn = false;
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = 0;
    if (!this.#isPhotoDrawn) {
      const ground = getComputedStyle(this.#root).backgroundColor;
      this.#painter.drawPhoto(this.#studio.state.photo, this.#viewport, ground);
      this.#isPhotoDrawn = true;
    }
    this.#painter.drawOver(this.#studio, this.#viewport, this.#draft);
  }

  #look(change: (photo: { readonly width: number; readonly height: number }) => Viewport): void {
    const { photo } = this.#studio.state;
    if (!photo) return;
    this.#viewport = change(photo);
    this.#redraw(true);
  }

  fit(): void {
    this.#look((photo) => fitted(photo, this.#painter.size));
    this.#redraw(true);
  }

  zoom(factor: number, around?: Point): void {
    const { width, height } = this.#painter.size;
    const at = around ?? { x: width / 2, y: height / 2 };
    this.#look((photo) => zoomed(this.#viewport, factor, at, photo, this.#painter.size));
  }

  pan(by: Point): void {
    this.#look((photo) => moved(this.#viewport, by, photo, this.#painter.size));
  }

  /** The point of the photo; null: beside it, or there is none. */
  #at(screen: Point): Point | null {
    const { photo } = this.#studio.state;
    const at = onPhoto(this.#viewport, screen);
    return photo && isOn(photo, at) ? at : null;
  }

  hover(screen: Point): void {
    const at = this.#at(screen);
    const { tool } = this.#studio.state;
    const isBrush = tool === "brush" && this.#studio.state.mode === "objects";
    const brush = at && isBrush ? { ...at, radius: this.#brushRadius } : null;
    this.#setDraft({ ...this.#draft, brush, crosshair: null });
    if (!at || tool === "move") this.leave();
    else this.#lookAhead(at);
  }

  #lookAhead(at: Point): void {
    const { photo, mode, tool, isExcluding, hasGranularity, busy } = this.#studio.state;
    if (mode === "everything") this.#studio.set({ sceneHovered: this.#ownerAt(at) });
    else if (photo && !busy && tool === "click" && !isExcluding) {
      const wanted = this.#studio.selected?.granularity ?? "auto";
      this.#studio.hover.move(photo, at, hasGranularity ? wanted : null);
    }
  }

  leave(): void {
    this.#studio.hover.leave();
    if (this.#studio.state.sceneHovered !== null) this.#studio.set({ sceneHovered: null });
    if (this.#draft.brush) this.#setDraft({ ...this.#draft, brush: null });
  }

  #ownerAt(at: Point): number | null {
    const { scene, sceneGranularity } = this.#studio.state;
    const id = scene && maskAt(scene.map, at.x, at.y);
    return id === null ? null : ownersAt(scene!.scene, sceneGranularity)[id];
  }

  click(screen: Point, isBackground: boolean): void {
    this.#root.focus();
    const at = this.#at(screen);
    if (!at) return;
    this.#setDraft({ ...this.#draft, crosshair: null });
    const { tool } = this.#studio.state;
    if (tool === "brush") this.drop(screen, screen);
    else this.#clickAt(at, isBackground);
  }

  #clickAt({ x, y }: Point, isBackground: boolean): void {
    const { mode, isExcluding } = this.#studio.state;
    if (mode === "everything") {
      this.#studio.set({ sceneSelected: this.#ownerAt({ x, y }) });
      return;
    }
    const isWanted = !(isBackground || isExcluding);
    this.#studio.click({ x: round(x), y: round(y), isWanted });
  }

  get #brushRadius(): number {
    return Math.max(0.5, this.#studio.state.brushRadius / this.#viewport.scale);
  }

  drag(from: Point, to: Point): void {
    const { photo, mode, tool } = this.#studio.state;
    if (!photo || mode === "everything") return;
    this.#studio.hover.leave();
    const [a, b] = [onPhoto(this.#viewport, from), onPhoto(this.#viewport, to)];
    if (tool === "brush") {
      const points = [
        ...(this.#draft.stroke?.points ?? [[round(a.x), round(a.y)] as const]),
        [round(b.x), round(b.y)] as const,
      ];
      const brush = { ...b, radius: this.#brushRadius };
      this.#setDraft({ ...this.#draft, stroke: { radius: round(this.#brushRadius), points }, brush });
    } else this.#setDraft({ ...this.#draft, box: boxBetween([a.x, a.y], [b.x, b.y], photo) });
  }

  drop(from: Point, to: Point): void {
    this.#root.focus();
    const { mode, tool } = this.#studio.state;
    if (mode === "everything") return;
    if (tool === "brush") {
      const at = onPhoto(this.#viewport, from);
      const dot: Stroke = { radius: round(this.#brushRadius), points: [[round(at.x), round(at.y)]] };
      const stroke = this.#draft.stroke ?? dot;
      this.#setDraft({ ...this.#draft, stroke: null });
      this.#studio.edit((document) => withStroke(document, stroke));
      return;
    }
    this.drag(from, to);
    this.#takeBox();
  }

  #takeBox(): void {
    const { box } = this.#draft;
    this.#setDraft({ ...this.#draft, box: null });
    if (!box) return;
    const [x0, y0, x1, y1] = box.map(round);
    this.#studio.edit((document) => withBox(document, [x0, y0, x1, y1]));
  }

  cancel(): void {
    this.#corner = null;
    this.#setDraft({ ...NO_DRAFT, crosshair: this.#draft.crosshair });
  }

  #setDraft(draft: Draft): void {
    this.#draft = draft;
    this.#redraw(false);
  }

  /** A key while the photo has the focus; false: it means nothing here. */
  key({ key, shiftKey, altKey }: KeyboardEvent): boolean {
    const arrow = ARROWS[key];
    if (arrow) this.#moveCrosshair(arrow, shiftKey);
    else if (key === "Enter" || key === " ") this.#enter(shiftKey || altKey);
    else if (key === "Escape") this.cancel();
    else {
      const command = this.#commands[key.toLowerCase()];
      if (!command) return false;
      command();
    }
    return true;
  }

  get #commands(): Readonly<Record<string, () => void>> {
    const studio = this.#studio;
    const remove = () => {
      const { selected } = studio;
      if (selected) studio.edit((document) => withoutObject(document, selected.id));
    };
    return {
      b: () => this.#cornerOfBox(),
      n: () => studio.edit((document) => withObject(document)),
      e: () => studio.setMode(studio.state.mode === "objects" ? "everything" : "objects"),
      a: () => studio.setGranularity("auto"),
      "[": () => studio.step("finer"),
      "]": () => studio.step("coarser"),
      "+": () => this.zoom(1.25, this.#crosshairOnScreen),
      "=": () => this.zoom(1.25, this.#crosshairOnScreen),
      "-": () => this.zoom(0.8, this.#crosshairOnScreen),
      "0": () => this.fit(),
      delete: remove,
      backspace: remove,
    };
  }

  get #crosshairOnScreen(): Point | undefined {
    const { crosshair } = this.#draft;
    const { left, top, scale } = this.#viewport;
    return crosshair ? { x: left + scale * crosshair.x, y: top + scale * crosshair.y } : undefined;
  }

  get #crosshair(): Point | null {
    const { photo } = this.#studio.state;
    return this.#draft.crosshair ?? (photo && { x: photo.width / 2, y: photo.height / 2 });
  }

  #moveCrosshair([dx, dy]: readonly [number, number], isFine: boolean): void {
    const { photo } = this.#studio.state;
    const at = this.#crosshair;
    if (!photo || !at) return;
    const by = this.#draft.crosshair ? (isFine ? 1 : Math.max(1, 12 / this.#viewport.scale)) : 0;
    const within = (value: number, most: number) => Math.min(most - 0.5, Math.max(0.5, value));
    const crosshair = { x: within(at.x + by * dx, photo.width), y: within(at.y + by * dy, photo.height) };
    const box =
      this.#corner && boxBetween([this.#corner.x, this.#corner.y], [crosshair.x, crosshair.y], photo);
    this.#setDraft({ ...this.#draft, crosshair, box, brush: null });
    this.#look(() => showing(this.#viewport, crosshair, photo, this.#painter.size));
    this.#lookAhead(crosshair);
  }

  #enter(isBackground: boolean): void {
    const at = this.#crosshair;
    if (!at) return;
    if (this.#corner) this.#cornerOfBox();
    else {
      this.#setDraft({ ...this.#draft, crosshair: at });
      this.#clickAt(at, isBackground);
    }
  }

  #cornerOfBox(): void {
    const at = this.#crosshair;
    if (!at || this.#studio.state.mode === "everything") return;
    if (this.#corner) {
      this.#corner = null;
      this.#takeBox();
      return;
    }
    this.#corner = at;
    this.#setDraft({ ...this.#draft, crosshair: at });
    this.#studio.say("First corner of a box. Move the crosshair, then press B again.");
  }
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** A tenth of a pixel is enough, and reads better. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}

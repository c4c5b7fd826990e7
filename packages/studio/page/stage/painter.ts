import type { DrawnMask } from "../masks/drawn.ts";
import { paintLabels, rgba } from "../masks/label-map.ts";
import type { DrawnScene } from "../session/everything.ts";
import type { OpenPhoto } from "../session/photo.ts";
import type { Studio } from "../session/studio.ts";
import type { Box, Stroke, StudioObject } from "../state/document.ts";
import { ownersAt } from "../state/scene.ts";
import type { Viewport } from "../view/viewport.ts";

/** What is under way on the photo and no prompt yet. */
export interface Draft {
  readonly box: Box | null;
  readonly stroke: Stroke | null;
  /** Of the keyboard, in pixels of the photo; null: the pointer is used. */
  readonly crosshair: { readonly x: number; readonly y: number } | null;
  /** Of the brush, in pixels of the photo. */
  readonly brush: { readonly x: number; readonly y: number; readonly radius: number } | null;
}

export const NO_DRAFT: Draft = { box: null, stroke: null, crosshair: null, brush: null };

const BORDER = rgba(255, 255, 255, 210);
const HOVER_COLOUR = "#ffffff";

/** Draws the photo, and what lies over it, onto two canvases of the screen's resolution. */
export class Painter {
  readonly #photo: CanvasRenderingContext2D;
  readonly #over: CanvasRenderingContext2D;
  readonly #scene = document.createElement("canvas");
  #sceneKey: unknown = null;
  #sceneAt = -1;

  constructor(photo: HTMLCanvasElement, over: HTMLCanvasElement) {
    this.#photo = photo.getContext("2d", { alpha: false })!;
    this.#over = over.getContext("2d")!;
  }

  get size(): { readonly width: number; readonly height: number } {
    const { canvas } = this.#over;
    return { width: canvas.width / devicePixelRatio, height: canvas.height / devicePixelRatio };
  }

  resize(width: number, height: number): void {
    for (const { canvas } of [this.#photo, this.#over]) {
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
    }
  }

  drawPhoto(photo: OpenPhoto | null, { left, top, scale }: Viewport, ground: string): void {
    const context = this.#photo;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = ground;
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    if (!photo) return;
    const ratio = devicePixelRatio;
    // Large pixels are shown as such.
    context.imageSmoothingEnabled = scale < 4;
    context.imageSmoothingQuality = "medium";
    context.drawImage(
      photo.picture,
      left * ratio,
      top * ratio,
      photo.width * scale * ratio,
      photo.height * scale * ratio,
    );
  }

  /** Masks, prompts and what is under way. */
  drawOver(studio: Studio, viewport: Viewport, draft: Draft): void {
    const context = this.#over;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    const { photo, mode } = studio.state;
    if (!photo) return;
    if (mode === "everything") this.#drawScene(studio, photo, viewport);
    else this.#drawObjects(studio, photo, viewport);
    const selected = studio.selected;
    if (mode === "objects" && selected) this.#drawPrompt(selected, viewport);
    this.#drawDraft(draft, viewport, selected?.colour ?? "#ffffff");
  }

  /** Coordinates of the photo in steps of `step` pixels from now on. */
  #onPhoto({ left, top, scale }: Viewport, step: number): number {
    const ratio = devicePixelRatio;
    const factor = scale * step * ratio;
    this.#over.setTransform(factor, 0, 0, factor, left * ratio, top * ratio);
    return factor / ratio;
  }

  #drawMask(mask: DrawnMask, viewport: Viewport, colour: string, alpha: number, isStrong: boolean): void {
    const context = this.#over;
    const factor = this.#onPhoto(viewport, mask.bitmap.step);
    context.globalAlpha = alpha;
    context.imageSmoothingEnabled = false;
    context.drawImage(mask.tint(colour), mask.bitmap.x, mask.bitmap.y);
    context.globalAlpha = 1;
    context.lineCap = "square";
    if (isStrong) {
      context.strokeStyle = "rgba(0, 0, 0, 0.55)";
      context.lineWidth = 4 / factor;
      context.stroke(mask.outline);
    }
    context.strokeStyle = colour;
    context.lineWidth = (isStrong ? 2 : 1.5) / factor;
    context.stroke(mask.outline);
  }

  #drawObjects(studio: Studio, photo: OpenPhoto, viewport: Viewport): void {
    const { objects, selected } = studio.document;
    const last = objects.find(({ id }) => id === selected);
    const order = [...objects.filter((object) => object !== last), ...(last ? [last] : [])];
    let drawn = "";
    for (const object of order) {
      const shown = studio.shown(object);
      if (!shown) continue;
      const isSelected = object.id === selected;
      this.#drawMask(photo.masks.of(shown), viewport, object.colour, isSelected ? 0.45 : 0.3, isSelected);
      if (isSelected) drawn = `${object.id}:${shown.index}`;
    }
    // What is on the screen now, for those who look at it from outside.
    this.#over.canvas.dataset.shown = drawn;
    const { shown } = studio.hover;
    if (shown) this.#drawMask(photo.masks.of(shown), viewport, HOVER_COLOUR, 0.22, false);
  }

  #drawScene(studio: Studio, photo: OpenPhoto, viewport: Viewport): void {
    const { scene: drawn, sceneGranularity, sceneHovered, sceneSelected } = studio.state;
    if (!drawn) return;
    this.#paintScene(drawn, sceneGranularity);
    this.#onPhoto(viewport, drawn.map.step);
    this.#over.imageSmoothingEnabled = false;
    this.#over.drawImage(this.#scene, 0, 0);
    for (const [id, isStrong] of [
      [sceneSelected, true],
      [sceneHovered, false],
    ] as const) {
      if (id === null) continue;
      const { rle, bbox } = drawn.scene.masks[id];
      const mask = photo.masks.of({ counts: rle.counts as string, bbox });
      this.#drawMask(mask, viewport, isStrong ? "#ffd43b" : HOVER_COLOUR, 0.35, true);
    }
  }

  #paintScene({ scene, map, colours }: DrawnScene, granularity: number): void {
    if (this.#sceneKey === map && this.#sceneAt === granularity) return;
    const canvas = this.#scene;
    if (this.#sceneKey !== map) [canvas.width, canvas.height] = [map.width, map.height];
    const context = canvas.getContext("2d")!;
    const image = context.createImageData(map.width, map.height);
    const words = new Uint32Array(image.data.buffer);
    paintLabels(map, ownersAt(scene, granularity), colours, BORDER, words);
    context.putImageData(image, 0, 0);
    this.#sceneKey = map;
    this.#sceneAt = granularity;
  }

  #drawPrompt({ asked, colour }: StudioObject, viewport: Viewport): void {
    const context = this.#over;
    for (const stroke of asked.strokes) this.#drawStroke(stroke, viewport, colour);
    if (asked.box) this.#drawBox(asked.box, viewport, colour);
    this.#onScreen();
    for (const { x, y, isWanted } of asked.clicks) {
      const [px, py] = place(viewport, x, y);
      context.beginPath();
      context.arc(px, py, 7, 0, 2 * Math.PI);
      context.fillStyle = isWanted ? "#ffffff" : "#1b1b1f";
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = isWanted ? "#1b1b1f" : "#ffffff";
      context.stroke();
      // A plus for what is wanted, a minus for what is not: not by colour alone.
      context.beginPath();
      context.moveTo(px - 3.5, py);
      context.lineTo(px + 3.5, py);
      if (isWanted) {
        context.moveTo(px, py - 3.5);
        context.lineTo(px, py + 3.5);
      }
      context.stroke();
    }
  }

  #drawDraft({ box, stroke, crosshair, brush }: Draft, viewport: Viewport, colour: string): void {
    if (box) this.#drawBox(box, viewport, colour);
    if (stroke) this.#drawStroke(stroke, viewport, colour);
    const context = this.#over;
    this.#onScreen();
    if (brush) {
      const [x, y] = place(viewport, brush.x, brush.y);
      for (const [style, width] of [
        ["rgba(0, 0, 0, 0.6)", 3],
        ["#ffffff", 1.5],
      ] as const) {
        context.beginPath();
        context.arc(x, y, brush.radius * viewport.scale, 0, 2 * Math.PI);
        context.lineWidth = width;
        context.strokeStyle = style;
        context.stroke();
      }
    }
    if (!crosshair) return;
    const [x, y] = place(viewport, crosshair.x, crosshair.y);
    for (const [style, width] of [
      ["rgba(0, 0, 0, 0.7)", 4],
      ["#ffffff", 2],
    ] as const) {
      context.beginPath();
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ]) {
        context.moveTo(x + 5 * dx, y + 5 * dy);
        context.lineTo(x + 16 * dx, y + 16 * dy);
      }
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  }

  #drawBox([x0, y0, x1, y1]: Box, viewport: Viewport, colour: string): void {
    const context = this.#over;
    this.#onScreen();
    const [left, top] = place(viewport, x0, y0);
    const [right, bottom] = place(viewport, x1, y1);
    context.lineWidth = 3.5;
    context.strokeStyle = "rgba(0, 0, 0, 0.5)";
    context.strokeRect(left, top, right - left, bottom - top);
    context.setLineDash([6, 4]);
    context.lineWidth = 2;
    context.strokeStyle = colour;
    context.strokeRect(left, top, right - left, bottom - top);
    context.setLineDash([]);
  }

  #drawStroke({ radius, points }: Stroke, viewport: Viewport, colour: string): void {
    const context = this.#over;
    this.#onPhoto(viewport, 1);
    context.globalAlpha = 0.5;
    context.strokeStyle = colour;
    context.lineWidth = 2 * radius;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    points.forEach(([x, y], k) => {
      if (k === 0) context.moveTo(x, y);
      context.lineTo(x, y);
    });
    context.stroke();
    context.globalAlpha = 1;
  }

  #onScreen(): void {
    this.#over.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    this.#over.lineCap = "butt";
  }
}

function place({ left, top, scale }: Viewport, x: number, y: number): [number, number] {
  return [left + scale * x, top + scale * y];
}

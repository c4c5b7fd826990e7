interface Size {
  readonly width: number;
  readonly height: number;
}

/** How the photo lies on the screen: a point (x, y) of it at (left + scale · x, top + scale · y), CSS pixels. */
export interface Viewport {
  readonly left: number;
  readonly top: number;
  readonly scale: number;
}

const MARGIN = 16;
const LARGEST_PIXEL = 32;
const STAYS_IN_VIEW = 60;

/** The whole photo in the middle, no larger than three times its size. */
export function fitted(photo: Size, screen: Size): Viewport {
  const room = (length: number) => Math.max(1, length - 2 * MARGIN);
  const scale = Math.min(room(screen.width) / photo.width, room(screen.height) / photo.height, 3);
  return {
    scale,
    left: (screen.width - scale * photo.width) / 2,
    top: (screen.height - scale * photo.height) / 2,
  };
}

/** Larger or smaller around a point of the screen, which keeps its place on the photo. */
export function zoomed(
  viewport: Viewport,
  factor: number,
  around: { readonly x: number; readonly y: number },
  photo: Size,
  screen: Size,
): Viewport {
  const smallest = Math.min(fitted(photo, screen).scale, 1) / 2;
  const scale = Math.min(LARGEST_PIXEL, Math.max(smallest, viewport.scale * factor));
  const ratio = scale / viewport.scale;
  const left = around.x - ratio * (around.x - viewport.left);
  const top = around.y - ratio * (around.y - viewport.top);
  return kept({ left, top, scale }, photo, screen);
}

export function moved(
  viewport: Viewport,
  by: { readonly x: number; readonly y: number },
  photo: Size,
  screen: Size,
): Viewport {
  const { left, top, scale } = viewport;
  return kept({ left: left + by.x, top: top + by.y, scale }, photo, screen);
}

/** Some of the photo always stays in view. */
function kept({ left, top, scale }: Viewport, photo: Size, screen: Size): Viewport {
  const within = (at: number, length: number, room: number) =>
    Math.min(room - STAYS_IN_VIEW, Math.max(STAYS_IN_VIEW - length, at));
  return {
    scale,
    left: within(left, scale * photo.width, screen.width),
    top: within(top, scale * photo.height, screen.height),
  };
}

/** The point of the photo under a point of the screen. */
export function onPhoto(
  { left, top, scale }: Viewport,
  at: { readonly x: number; readonly y: number },
): { readonly x: number; readonly y: number } {
  return { x: (at.x - left) / scale, y: (at.y - top) / scale };
}

export function onScreen(
  { left, top, scale }: Viewport,
  at: { readonly x: number; readonly y: number },
): { readonly x: number; readonly y: number } {
  return { x: left + scale * at.x, y: top + scale * at.y };
}

export function isOn({ width, height }: Size, { x, y }: { readonly x: number; readonly y: number }): boolean {
  return x >= 0 && y >= 0 && x < width && y < height;
}

/** The smallest move that brings a point of the photo into view. */
export function showing(
  viewport: Viewport,
  point: { readonly x: number; readonly y: number },
  photo: Size,
  screen: Size,
): Viewport {
  const { x, y } = onScreen(viewport, point);
  const into = (at: number, room: number) => Math.min(room - MARGIN, Math.max(MARGIN, at)) - at;
  return moved(viewport, { x: into(x, screen.width), y: into(y, screen.height) }, photo, screen);
}

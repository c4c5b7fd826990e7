import sharp from "sharp";
import { UnSAMError } from "../errors.js";
import { type RgbImage, toPNG } from "../image/index.js";
import { computeThreads } from "../runtime/threads.js";
import type { Mask } from "./mask.js";
import type { OverlayMarks } from "./overlay-paint.js";

export type { OverlayMarks } from "./overlay-paint.js";

const painter = computeThreads().bind<typeof import("./overlay.worker.js")>(
  new URL("./overlay.worker.js", import.meta.url),
  "interactive",
);

/** Red, green, blue, 0–255. */
export type Color = readonly [red: number, green: number, blue: number];

/** Colours of masks that name none, in this order, then from the start: told apart on photos and by colour-blind eyes. */
export const OVERLAY_COLORS: readonly Color[] = [
  [30, 136, 255],
  [255, 138, 0],
  [0, 200, 140],
  [240, 60, 140],
  [255, 214, 10],
  [150, 90, 255],
  [0, 205, 235],
  [235, 70, 55],
];

export interface OverlayLayer {
  readonly mask: Mask;
  readonly color?: Color;
}

export interface OverlayOptions {
  /** How much of the colour covers the mask, 0–1; 0.45 by default. */
  readonly opacity?: number;
  /** How much darker everything outside the masks becomes, 0–1; 0 by default. */
  readonly dim?: number;
  /** The prompt to draw on top. */
  readonly prompt?: OverlayMarks;
  readonly signal?: AbortSignal;
}

/**
 * A PNG of the photo with its masks tinted and outlined, later masks over earlier ones, and the prompt on top. Lines
 * grow with the photo. The drawing runs in a worker thread.
 * Throws `E_BAD_PROMPT` where a mask does not have the photo's size, `E_BAD_OPTION` for options out of range.
 */
export async function overlay(
  image: RgbImage,
  layers: readonly OverlayLayer[],
  options: OverlayOptions = {},
): Promise<Buffer> {
  const { width, height } = image;
  const data = await overlayPixels(image, layers, options);
  return toPNG(sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false }));
}

/** The same as RGB, [height, width, 3]. */
export async function overlayPixels(
  image: RgbImage,
  layers: readonly OverlayLayer[],
  options: OverlayOptions = {},
): Promise<Uint8Array> {
  const { opacity = 0.45, dim = 0, prompt, signal } = options;
  for (const [name, value] of [
    ["opacity", opacity],
    ["dim", dim],
  ] as const) {
    if (!(value >= 0 && value <= 1)) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `The ${name} of an overlay is ${value}; it must be between 0 and 1.`,
      );
    }
  }
  for (const { mask } of layers) {
    if (mask.width === image.width && mask.height === image.height) continue;
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `A mask of ${mask.width}×${mask.height} pixels cannot lie over an image of ${image.width}×${image.height}.`,
    );
  }
  signal?.throwIfAborted();
  const { width, height } = image;
  return painter(
    "paint",
    [
      {
        width,
        height,
        rgb: image.data,
        layers: layers.map(({ mask, color }, i) => ({
          words: mask.words,
          box: mask.bbox,
          color: color ?? OVERLAY_COLORS[i % OVERLAY_COLORS.length],
        })),
        opacity,
        dim,
        marks: prompt ?? {},
      },
    ],
    { signal },
  );
}

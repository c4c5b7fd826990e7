import type { Engine, EngineImage } from "@unsam/core/engine";
import { ImageParts, type RgbImage } from "@unsam/core/image";
import type { Handle } from "@unsam/core/runtime";
import {
  type TileMask,
  type TileMerger,
  tileBox,
  tileCount,
  tileLevels,
  tileMerging,
} from "@unsam/core/tiles";
import type { PhotoEncoder } from "../photo-encoder.js";
import { maskSteps } from "../scene/everything.js";
import type { EverythingPlan } from "../scene/everything-options.js";
import { localAddon } from "../scene-data/addon.js";
import type { TiledOptions, TiledPlan } from "./tiled-options.js";
import { TiledScene } from "./tiled-scene.js";

/** The share of a mask that its parent holds at least, as in scenes. */
const CONTAINMENT = 0.8;

/** Who encodes tiles. */
interface Maker {
  readonly engine: Engine;
  readonly encoder: PhotoEncoder;
}

/**
 * Segments an image tile by tile, at its own size and at ever smaller ones, and makes one set of masks of what is found.
 * Throws `E_BAD_IMAGE`, `E_DISPOSED`, or the signal's reason.
 */
export async function everythingTiled(
  maker: Maker,
  input: string | URL,
  plan: TiledPlan,
  { onProgress, signal }: Pick<TiledOptions, "onProgress" | "signal">,
): Promise<TiledScene> {
  const { tile, overlap, granularity, everything, maxPixels } = plan;
  signal?.throwIfAborted();
  const parts = await ImageParts.open(input, { maxPixels, signal });
  const { width, height } = parts;
  const addon = await localAddon();
  const settings = { tile, overlap, granularity, containment: CONTAINMENT };
  const levels = tileLevels(parts, settings);
  const tilesInAll = levels.reduce((sum, level) => sum + tileCount(level), 0);
  const merger: Handle<TileMerger> = await tileMerging("open", [{ width, height }, settings], { signal });
  let tiles = 0;
  let masks = 0;
  try {
    for (const [number, level] of levels.entries()) {
      const boxes = Array.from({ length: tileCount(level) }, (_, index) => tileBox(level, index));
      const look = async ({ index, image }: { index: number; image: RgbImage }, stop: AbortSignal) => {
        const found = await masksOfTile(maker.encoder, image, everything, stop);
        const transfer = found.map(({ mask }) => mask.data.buffer as ArrayBuffer);
        await tileMerging("add", [merger, number, index, found, addon], { transfer, signal: stop });
        tiles++;
        masks += found.length;
        onProgress?.({ tiles, tilesInAll, masks });
      };
      await someAtOnce((stop) => parts.read(level, boxes, stop), look, maker.engine.encodesAtOnce, signal);
      await tileMerging("endLevel", [merger, number], { signal });
    }
    const { masks: merged, forest } = await tileMerging("finish", [merger], { signal });
    return new TiledScene({ width, height, containment: CONTAINMENT, entries: merged, forest });
  } finally {
    merger.release().catch(() => {});
  }
}

async function masksOfTile(
  encoder: PhotoEncoder,
  photo: RgbImage,
  plan: EverythingPlan,
  signal: AbortSignal,
): Promise<TileMask[]> {
  const encode = (pixels: number, cut: () => RgbImage, stop: AbortSignal | undefined): Promise<EngineImage> =>
    encoder.encodePart(pixels, cut, stop);
  const image = await encode(photo.width * photo.height, () => photo, signal);
  try {
    const steps = maskSteps({ image, photo, encode }, plan, signal);
    for (;;) {
      const { done, value } = await steps.next();
      if (!done) continue;
      return value.masks.map(({ mask, predictedIou: score, stability, point }) => ({
        mask,
        score,
        stability,
        point,
      }));
    }
  } finally {
    await image.dispose();
  }
}

/** Works on the items of a list as they come, so many at once. The first failure ends all. */
async function someAtOnce<Item>(
  items: (signal: AbortSignal) => AsyncIterable<Item>,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
  atOnce: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const running = new Set<Promise<void>>();
  let failure: { readonly why: unknown } | null = null;
  const fail = (why: unknown) => {
    failure ??= { why };
    stop.abort(why);
  };
  try {
    signal?.throwIfAborted();
    for await (const item of items(stop.signal)) {
      const one: Promise<void> = work(item, stop.signal)
        .catch(fail)
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= Math.max(1, atOnce)) await Promise.race(running);
      if (failure) break;
    }
  } catch (why) {
    fail(why);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
  await Promise.all(running);
  signal?.throwIfAborted();
  if (failure) throw (failure as { why: unknown }).why;
}

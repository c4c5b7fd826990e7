import type { Limits } from "@unsam/core/limits";
import { type PackedMask, packMask } from "@unsam/core/mask";
import { type AddonAt, operationsAt } from "@unsam/core/operations";
import { callersAbort, keep, move } from "@unsam/core/runtime";
import { buildScene } from "../scene-data/build-scene.js";
import type { FusionOptions, SavedScene, SceneData, SceneEntry } from "../scene-data/scene-data.js";
import { readSceneFile, writeSceneFile } from "../scene-data/scene-file.js";
import { paintScene, type ScenePicture } from "./scene-paint.js";

// Worker side: everything about scenes that takes longer than a turn of the event loop may.

export async function build(
  entries: readonly SceneEntry[],
  size: { readonly width: number; readonly height: number },
  options: FusionOptions,
  addon: AddonAt | null,
) {
  return moved(await buildScene(entries, size, options, operationsAt(addon), callersAbort));
}

/** Masks given as logits, while they are packed part by part. */
export interface Stack {
  readonly width: number;
  readonly height: number;
  readonly addon: AddonAt | null;
  readonly masks: { readonly mask: PackedMask; readonly stability: number }[];
}

export function openStack(
  { width, height }: { readonly width: number; readonly height: number },
  addon: AddonAt | null,
) {
  const stack: Stack = { width, height, addon, masks: [] };
  return keep(stack, { gone: "This scene has been made." });
}

/** Some more maps, [n, height, width]. */
export async function addLogits({ width, height, addon, masks }: Stack, data: Float32Array): Promise<void> {
  const maps = { count: data.length / (width * height), width, height, data };
  const { masks: stack, stability } = await operationsAt(addon).maskStatistics(maps);
  const length = stack.words.length / maps.count;
  for (let k = 0; k < maps.count; k++) {
    const words = stack.words.subarray(k * length, (k + 1) * length);
    masks.push({ mask: packMask(words, width, height), stability: stability[k] });
  }
}

/** Empty masks are left out. */
export function buildStack(
  { width, height, addon, masks }: Stack,
  facts: readonly { readonly score: number; readonly granularity: number }[],
  options: FusionOptions,
) {
  const entries = masks
    .map(({ mask, stability }, k) => ({ mask, stability, ...facts[k], point: null }))
    .filter(({ mask }) => mask.area > 0);
  return build(entries, { width, height }, options, addon);
}

/** A scene file, checked; `build` makes the scene of it. */
export async function read(path: string, limits: Limits) {
  const stored = await readSceneFile(path, limits, callersAbort);
  return move(stored, ...stored.entries.map(({ mask }) => mask.data));
}

export function save(path: string, scene: SavedScene): Promise<void> {
  return writeSceneFile(path, scene, callersAbort);
}

export function paint(picture: ScenePicture) {
  const painted = paintScene(picture);
  return move(painted, painted);
}

function moved(scene: SceneData) {
  const { entries, forest, finest, contours } = scene;
  const arrays = [forest.parent, forest.level, forest.order, finest, contours.right, contours.below];
  return move(scene, ...entries.map(({ mask }) => mask.data), ...arrays);
}

import type { UnSAMClient } from "@unsam/server/client";
import { stepFor } from "../masks/bitmap.ts";
import { coloursOf, type LabelMap, labelMapOf } from "../masks/label-map.ts";
import { type Scene, type SceneMask, sceneOf } from "../state/scene.ts";
import type { OpenPhoto } from "./photo.ts";

/** A scene with what it is drawn from. */
export interface DrawnScene {
  readonly scene: Scene;
  readonly map: LabelMap;
  readonly colours: Uint32Array;
  readonly milliseconds: number;
}

const MOST_DRAWN = 2_000_000;
const ALPHA = 140;

/** All masks of a photo; `found` is told how many there are so far. Throws what the service refuses. */
export async function findEverything(
  model: UnSAMClient,
  photo: OpenPhoto,
  found: (masks: number, coverage: number) => void,
  signal: AbortSignal,
): Promise<DrawnScene> {
  const since = performance.now();
  const masks: SceneMask[] = [];
  let levels: readonly number[] = [];
  for await (const event of model.everything(photo.id!, { partial: false }, { signal })) {
    if (event.type === "found") found(event.progress.masks, event.progress.coverage);
    else if (event.type === "scene") levels = event.levels;
    else if (event.type === "mask") {
      const { type: _, ...mask } = event;
      masks.push(mask);
    }
  }
  const milliseconds = performance.now() - since;
  const scene = sceneOf(masks, levels);
  const map = labelMapOf(scene, photo, stepFor(photo, MOST_DRAWN));
  return { scene, map, colours: coloursOf(masks.length, ALPHA), milliseconds };
}

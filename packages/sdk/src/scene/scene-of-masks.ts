import { shownValue, UnSAMError } from "@unsam/core/errors";
import { Mask, packMask } from "@unsam/core/mask";
import { checkKeys } from "@unsam/core/options";
import type { FusionOptions, SceneEntry } from "../scene-data/scene-data.js";
import { SceneHierarchy } from "./scene-hierarchy.js";

/** A mask that becomes part of a scene, with what is known of it. */
export interface MaskOfScene {
  readonly mask: Mask;
  /** Predicted IoU, or what stands for it (default 1). */
  readonly score?: number | null | undefined;
  /** Default 1. */
  readonly stability?: number | null | undefined;
  /** From 0 to 1; left out, the scene finds one from areas. */
  readonly granularity?: number | null | undefined;
}

const KEYS = ["maxIoU", "containment", "signal"];

/**
 * A scene of masks from anywhere, such as those that a person chose: which is part of which is found from the masks. All have
 * one size. Throws `E_BAD_PROMPT`, `E_BAD_OPTION`, or the signal's reason.
 */
export async function sceneOfMasks(
  masks: readonly MaskOfScene[],
  options: FusionOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<SceneHierarchy> {
  checkKeys(options, KEYS, "sceneOfMasks");
  const { signal, ...fusion } = options;
  if (masks.length === 0) {
    throw new UnSAMError("E_BAD_PROMPT", "A scene is made of masks; there are none.");
  }
  const { width, height } = masks[0].mask;
  const entries: SceneEntry[] = [];
  for (const [k, given] of masks.entries()) {
    entries.push(entryOf(given, { width, height }, `masks[${k}]`));
    // Packing a mask takes milliseconds.
    if (k % 8 === 7) await new Promise(setImmediate);
    signal?.throwIfAborted();
  }
  return SceneHierarchy.build(entries, { width, height }, fusion, null, signal);
}

function entryOf(
  { mask, score, stability, granularity }: MaskOfScene,
  { width, height }: { readonly width: number; readonly height: number },
  where: string,
): SceneEntry {
  if (!(mask instanceof Mask) || mask.width !== width || mask.height !== height) {
    const size = mask instanceof Mask ? `${mask.width}×${mask.height}` : "no";
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${where} has a mask of ${size} pixels; all masks of a scene have one size, here ${width}×${height}.`,
    );
  }
  for (const [name, value, most] of [
    ["score", score, Number.MAX_VALUE],
    ["stability", stability, Number.MAX_VALUE],
    ["granularity", granularity, 1],
  ] as const) {
    if (value === undefined || value === null) continue;
    if (Number.isFinite(value) && value <= most && (name !== "granularity" || value >= 0)) continue;
    const range = name === "granularity" ? "a number from 0 to 1" : "a number";
    throw new UnSAMError("E_BAD_PROMPT", `${where}.${name} is ${shownValue(value)}; it must be ${range}.`);
  }
  return {
    mask: packMask(mask.words, width, height),
    score: score ?? 1,
    stability: stability ?? 1,
    granularity: granularity ?? null,
    point: null,
  };
}

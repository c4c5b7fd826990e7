import { availableParallelism } from "node:os";
import { UnSAMError } from "@unsam/core/errors";
import { type ModelFamily, openModel } from "@unsam/core/families";
import type { RgbImage } from "@unsam/core/image";
import type { PackedMask } from "@unsam/core/mask";
import type { AddonAt } from "@unsam/core/operations";
import { generateMasks, OFFICIAL_OPTIONS, type WholeImageOptions } from "@unsam/core/whole-image";

/** Which network encodes the photos. */
export interface BackboneOptions {
  /** Path of a checkpoint. */
  readonly model: string;
  /** Path of its configuration (JSON); absent: recognised by its tensors. */
  readonly config?: string;
  /** Key of the weights to take, where the checkpoint holds those of several models. */
  readonly weights?: string;
  /** Model families of your own, asked before the package's, as in `UnSAM.load`. */
  readonly families?: readonly ModelFamily[];
  /** For `masks`: where they differ from the official generator's. */
  readonly masks?: Partial<Pick<WholeImageOptions, "pointsPerSide" | "predictedIou" | "stability">>;
}

/** What a network gives for a photo. Plain data: it moves to the worker that makes labels of it. */
export interface NetworkOutput {
  readonly embedding: { readonly data: Float32Array; readonly shape: readonly number[] };
  readonly masks:
    | readonly { readonly mask: PackedMask; readonly predictedIou: number; readonly stability: number }[]
    | null;
}

export interface Backbone {
  /** SHA-256 of the weights. */
  readonly fingerprint: string;
  look(photo: RgbImage, signal?: AbortSignal): Promise<NetworkOutput>;
  dispose(): Promise<void>;
}

/**
 * Opens the network that encodes photos: its image embedding, and for `masks` its masks of the whole image as the
 * official generator finds them, at granularity 1 where it has that input. Throws `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`,
 * `E_BAD_OPTION`.
 */
export async function openBackbone(
  { model, config, weights, families, masks }: BackboneOptions,
  divide: "masks" | "cuts",
  { cacheDir, addon }: { cacheDir: string | null; addon: AddonAt | null },
): Promise<Backbone> {
  checkThresholds(masks);
  const engine = await openModel(
    { checkpoint: model, config, weights },
    { threads: availableParallelism(), cacheDir: cacheDir ?? undefined, families },
  );
  const options = {
    ...OFFICIAL_OPTIONS,
    ...masks,
    levels: [engine.info.capabilities.granularity ? 1 : null],
  };
  return {
    fingerprint: engine.info.fingerprint,
    look: async (photo, signal) => {
      const image = await engine.encode(photo, signal ? { signal } : {});
      try {
        const { tensors } = await image.save();
        const { data, shape } = tensors.get("image_embed")!;
        const embedding = { data: Float32Array.from(data), shape };
        if (divide === "cuts") return { embedding, masks: null };
        const steps = generateMasks({ image, crop: null, addon }, options, signal);
        for (;;) {
          const { done, value } = await steps.next();
          if (!done) continue;
          const found = value.masks.map(({ mask, predictedIou, stability }) => ({
            mask,
            predictedIou,
            stability,
          }));
          return { embedding, masks: found };
        }
      } finally {
        await image.dispose();
      }
    },
    dispose: () => engine.dispose(),
  };
}

function checkThresholds(masks: BackboneOptions["masks"] = {}): void {
  const { pointsPerSide = 1, ...shares } = masks;
  if (!(Number.isInteger(pointsPerSide) && pointsPerSide >= 1 && pointsPerSide <= 256)) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `pointsPerSide is ${pointsPerSide}; it must be a whole number from 1 to 256.`,
    );
  }
  for (const [name, value] of Object.entries(shares)) {
    if (value === undefined || (value >= 0 && value <= 1)) continue;
    throw new UnSAMError("E_BAD_OPTION", `${name} is ${value}; it must be a number from 0 to 1.`);
  }
}

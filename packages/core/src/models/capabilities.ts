/** Options of `load` that only some models have a use for. */
export type PartOption = "device" | "encoder" | "decoder" | "precision";

/** What a model can do and what it takes. Whoever needs to know asks this, and not which family a model is of. */
export interface ModelCapabilities {
  /** Prompts may carry a granularity. */
  readonly granularity: boolean;
  /** `multimask` makes a difference: there are several masks for one prompt. */
  readonly multimask: boolean;
  /** The logits of an answer, given back as a mask prompt beside the next click, make a better answer. */
  readonly refinement: boolean;
  /** It is a hierarchy of regions: all masks of an image come without clicks (`EngineImage.proposeRegions`). */
  readonly regions: boolean;
  /** Encoded images can be saved and restored; null: they cannot. */
  readonly restore: {
    /** Memory that a restored image takes for each pixel of the photo, beside what its saved arrays take. */
    readonly bytesPerPixel: number;
  } | null;
  /** Where its weights come from: there are none, they come with the package, or a checkpoint is given. */
  readonly weights: "none" | "packaged" | "checkpoint";
  /** Options it has a use for; `load` refuses the others. */
  readonly options: readonly PartOption[];
  /** One loaded model keeps all cores busy by itself; of others several may work side by side, on one thread each. */
  readonly fillsMachine: boolean;
}

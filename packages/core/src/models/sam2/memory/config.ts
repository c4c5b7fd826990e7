import { z } from "zod";
import { UnSAMError } from "../../../errors.js";
import type { WeightView } from "../../layers/weight-view.js";
import type { VideoRules } from "../../video-model.js";
import type { ModelConfig } from "../config.js";
import { count, parseOfficialConfig } from "../decoder-config.js";

/** Everything about the memory of a SAM 2: sizes as its tensors tell them, the rest from the configuration. */
export interface MemoryConfig extends VideoRules {
  readonly attentionLayers: number;
  readonly feedForward: number;
  readonly ropeTheta: number;
  readonly fuserLayers: number;
  readonly fuserHidden: number;
  /** The time of an object pointer is encoded (SAM 2.1). */
  readonly pointerTimes: boolean;
  /** `no_obj_embed_spatial` is added to the memory of an object that is not there (SAM 2.1). */
  readonly absentEmbedding: boolean;
}

const rope = z.object({ rope_theta: z.number().positive().default(10000) }).prefault({});

// Names of the official YAML and the values of its SAM 2.1 files. What only training or other models use is tolerated; what
// would change the answers and is not built here is refused.
const officialMemory = z.object({
  num_maskmem: count.max(64).optional(),
  memory_attention: z
    .object({ layer: z.object({ self_attention: rope, cross_attention: rope }).prefault({}) })
    .prefault({}),
  sigmoid_scale_for_mem_enc: z.number().default(20),
  sigmoid_bias_for_mem_enc: z.number().default(-10),
  use_mask_input_as_output_without_sam: z.literal(true).default(true),
  directly_add_no_mem_embed: z.literal(true).default(true),
  multimask_output_in_sam: z.boolean().default(true),
  multimask_output_for_tracking: z.boolean().default(true),
  use_multimask_token_for_obj_ptr: z.boolean().default(true),
  multimask_min_pt_num: z.number().int().nonnegative().max(65536).default(0),
  multimask_max_pt_num: z.number().int().nonnegative().max(65536).default(1),
  use_obj_ptrs_in_encoder: z.literal(true).default(true),
  max_obj_ptrs_in_encoder: count.max(1024).default(16),
  only_obj_ptrs_in_the_past_for_eval: z.literal(true).default(true),
  pred_obj_scores: z.literal(true).default(true),
  fixed_no_obj_ptr: z.literal(true).default(true),
  use_mlp_for_obj_ptr_proj: z.literal(true).default(true),
});

/** Most layers of one kind, so that a file cannot ask for an endless graph. */
const MOST_LAYERS = 64;
const MOST_WIDTH = 65536;

/**
 * How the model remembers. Throws `E_UNSUPPORTED` where the checkpoint has no memory, `E_BAD_CONFIG`, `E_BAD_CHECKPOINT`.
 */
export function memoryConfig(config: ModelConfig, given: unknown, weights: WeightView): MemoryConfig {
  const times = weights.shape("maskmem_tpos_enc");
  const memory = weights.shape("memory_encoder.out_proj.weight");
  const attentionLayers = layers("memory_attention.layers", "linear1.weight", weights);
  const fuserLayers = layers("memory_encoder.fuser.layers", "gamma", weights);
  if (!times || !memory || attentionLayers === 0 || fuserLayers === 0) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      "The checkpoint has no memory (memory_attention, memory_encoder, maskmem_tpos_enc): it is a model for single images. " +
        "Give a complete checkpoint of SAM 2, SAM 2.1 or UnSAMv2 to track objects through a video.",
    );
  }
  const { model } = parseOfficialConfig(officialMemory, given ?? {});
  const { layer } = model.memory_attention;
  checkTheta(layer.self_attention.rope_theta, layer.cross_attention.rope_theta);
  const [memoryFrames, memoryWidth] = [checked(times[0], 64), checked(memory[0], MOST_WIDTH)];
  if (model.num_maskmem !== undefined && model.num_maskmem !== memoryFrames) {
    throw new UnSAMError(
      "E_BAD_CONFIG",
      `The model configuration says num_maskmem ${model.num_maskmem}, but maskmem_tpos_enc has ${memoryFrames} rows; ` +
        "use the configuration the checkpoint was trained with.",
    );
  }
  if (config.neck.width % memoryWidth !== 0 || memoryWidth % 4 !== 0) {
    throw new UnSAMError(
      "E_BAD_CHECKPOINT",
      `An object pointer of ${config.neck.width} channels cannot be cut into tokens of ${memoryWidth} channels.`,
    );
  }
  return {
    imageSize: config.imageSize,
    width: config.neck.width,
    memoryWidth,
    memoryFrames,
    maxObjectPointers: model.max_obj_ptrs_in_encoder,
    maskScale: model.sigmoid_scale_for_mem_enc,
    maskBias: model.sigmoid_bias_for_mem_enc,
    multimask: {
      minPoints: model.multimask_min_pt_num,
      maxPoints: model.multimask_max_pt_num,
      onPrompts: model.multimask_output_in_sam,
      onTracking: model.multimask_output_in_sam && model.multimask_output_for_tracking,
      pointerFromMask: model.use_multimask_token_for_obj_ptr,
    },
    noMemoryInFeatures: config.addNoMemoryEmbedding,
    attentionLayers,
    feedForward: checked(weights.shape("memory_attention.layers.0.linear1.weight")?.[0], MOST_WIDTH),
    ropeTheta: layer.self_attention.rope_theta,
    fuserLayers,
    fuserHidden: checked(weights.shape("memory_encoder.fuser.layers.0.pwconv1.weight")?.[0], MOST_WIDTH),
    pointerTimes: weights.has("obj_ptr_tpos_proj.weight"),
    absentEmbedding: weights.has("no_obj_embed_spatial"),
  };
}

function checkTheta(self: number, cross: number): void {
  if (self === cross) return;
  throw new UnSAMError(
    "E_BAD_CONFIG",
    `rope_theta is ${self} in self_attention and ${cross} in cross_attention of the memory attention; both must be the same.`,
  );
}

/** A side told by a tensor, or 1 where it tells nonsense: the check of all shapes then names the tensor. */
function checked(side: number | undefined, most: number): number {
  return side !== undefined && side >= 1 && side <= most ? side : 1;
}

function layers(prefix: string, tensor: string, weights: WeightView): number {
  let index = 0;
  while (index < MOST_LAYERS && weights.has(`${prefix}.${index}.${tensor}`)) index++;
  return index;
}

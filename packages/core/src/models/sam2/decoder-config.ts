import { z } from "zod";
import { UnSAMError } from "../../errors.js";
import type { DecoderConfig } from "../network-model.js";

export const count = z.number().int().positive().max(65536);

/** Keys of the official YAML that say how prompts are decoded, with their official defaults. */
export const decoderKeys = {
  temperature: z.number().positive().default(100),
  directly_add_no_mem_embed: z.boolean().default(true),
  iou_prediction_use_sigmoid: z.boolean().default(true),
  pred_obj_scores: z.boolean().default(true),
  pred_obj_scores_mlp: z.boolean().default(true),
  // What the official loader adds by default, unless the configuration says otherwise.
  sam_mask_decoder_extra_args: z
    .object({
      dynamic_multimask_via_stability: z.boolean().default(true),
      dynamic_multimask_stability_delta: z.number().nonnegative().default(0.05),
      dynamic_multimask_stability_thresh: z.number().default(0.98),
    })
    .nullish()
    .transform(
      (args) =>
        args ?? {
          dynamic_multimask_via_stability: true,
          dynamic_multimask_stability_delta: 0.05,
          dynamic_multimask_stability_thresh: 0.98,
        },
    ),
};

const decoderPart = z.object(decoderKeys);

export function decoderRules(
  model: z.output<typeof decoderPart>,
): Pick<DecoderConfig, "temperature" | "iouSigmoid" | "objectScore" | "stability"> {
  const args = model.sam_mask_decoder_extra_args;
  return {
    temperature: model.temperature,
    iouSigmoid: model.iou_prediction_use_sigmoid,
    objectScore: !model.pred_obj_scores ? "none" : model.pred_obj_scores_mlp ? "mlp" : "linear",
    stability: {
      enabled: args.dynamic_multimask_via_stability,
      delta: args.dynamic_multimask_stability_delta,
      threshold: args.dynamic_multimask_stability_thresh,
    },
  };
}

/**
 * Reads an object with the keys of an official YAML, under `model` (beside `name`) or bare.
 * Throws `E_BAD_CONFIG`, naming the first key that is wrong.
 */
export function parseOfficialConfig<Schema extends z.ZodType>(
  schema: Schema,
  json: unknown,
): { readonly name: string | undefined; readonly model: z.output<Schema> } {
  const wrapped = typeof json === "object" && json !== null && "model" in json;
  const file = z.object({ name: z.string().optional(), model: schema });
  const parsed = file.safeParse(wrapped ? json : { model: json });
  if (parsed.success) {
    const { name, model } = parsed.data as { name?: string; model: z.output<Schema> };
    return { name, model };
  }
  const [issue, ...others] = parsed.error.issues;
  const key = issue.path.filter((part, index) => wrapped || index > 0 || part !== "model").join(".");
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  throw new UnSAMError(
    "E_BAD_CONFIG",
    `The model configuration is wrong at ${key === "" ? "its top level" : `"${key}"`}: ${issue.message}${more}. ` +
      `It takes the keys of the official YAML (image_size, image_encoder.trunk, image_encoder.neck, …).`,
  );
}

import { UnSAMError } from "@unsam/core/errors";
import type { ModelFamily } from "@unsam/core/families";
import { BUILT_IN_MODELS, DEFAULT_MODEL } from "@unsam/core/names";
import type { LoadOptions, UnSAM } from "@unsam/sdk";
import { checkModelFlag, modelFile } from "./model-file.js";
import { type FamilyFlags, ownFamilies } from "./own-families.js";
import { tell } from "./terminal/output.js";
import { withProgress } from "./terminal/progress.js";

export interface ModelOptions extends FamilyFlags {
  readonly model?: string;
  readonly config?: string;
  readonly weights?: string;
  readonly threads?: number;
  readonly calibration?: string;
}

/**
 * Loads what `--model`, `--config`, `--weights` and `--calibration` name; a model to fetch is downloaded where it is not here.
 * Says so where another model stands in for the default. `known`: the families of `--family`, where they have been imported.
 */
export async function loadModel(
  flags: ModelOptions,
  signal: AbortSignal,
  known?: readonly ModelFamily[],
): Promise<UnSAM> {
  const { threads, calibration } = flags;
  const families = known ?? (await ownFamilies(flags, signal));
  const named = modelOf(flags, families);
  const model =
    typeof named === "object" ? { ...named, checkpoint: await modelFile(named.checkpoint, signal) } : named;
  const unsam = await withProgress(`Loading ${flags.model ?? DEFAULT_MODEL}`, async () => {
    const { UnSAM } = await import("@unsam/sdk");
    return UnSAM.load({ model, families, threads, calibration, signal });
  });
  if (model === undefined && unsam.model.name !== DEFAULT_MODEL) {
    tell(`unsam: The model is ${unsam.model.name}. ${unsam.model.reasons.model}`);
  }
  return unsam;
}

/**
 * The model that the flags name: the name of a built-in model or of one of the user's own `families` first, then a name to fetch, else
 * a file. Throws `E_BAD_OPTION`.
 */
export function modelOf(
  { model, config, weights }: ModelOptions,
  families: readonly Pick<ModelFamily, "name">[],
): LoadOptions["model"] {
  const builtIn = [...BUILT_IN_MODELS, ...families.map(({ name }) => name)].find((name) => name === model);
  checkCheckpointFlags({ config, weights }, model !== undefined && !builtIn);
  if (model === undefined || builtIn) return builtIn;
  checkModelFlag(model);
  return { checkpoint: model, config, weights };
}

/** Throws `E_BAD_OPTION` for flags about a checkpoint where none is given. */
export function checkCheckpointFlags(
  flags: { readonly config?: string | undefined; readonly weights?: string | undefined },
  hasCheckpoint: boolean,
): void {
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined || hasCheckpoint) continue;
    throw new UnSAMError("E_BAD_OPTION", `--${name} belongs to a checkpoint; give --model FILE with it.`);
  }
}

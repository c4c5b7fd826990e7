import { existsSync } from "node:fs";
import { BUILT_IN_MODELS, type LoadOptions, UnSAM, UnSAMError } from "@unsam/sdk";
import { withProgress } from "./terminal/progress.js";

export interface ModelOptions {
  readonly model?: string;
  readonly config?: string;
  readonly weights?: string;
  readonly threads?: number;
  readonly calibration?: string;
}

/** Loads what `--model`, `--config`, `--weights` and `--calibration` name. */
export function loadModel(flags: ModelOptions, signal: AbortSignal): Promise<UnSAM> {
  const { threads, calibration } = flags;
  const model = modelOf(flags);
  return withProgress(`Loading ${flags.model ?? "the built-in model"}`, () =>
    UnSAM.load({ model, threads, calibration, signal }),
  );
}

/** The model that the flags name: a built-in name first, else a file. Throws `E_BAD_OPTION`. */
export function modelOf({ model, config, weights }: ModelOptions): LoadOptions["model"] {
  const builtIn = BUILT_IN_MODELS.find((name) => name === model);
  checkCheckpointFlags({ config, weights }, model !== undefined && !builtIn);
  if (model === undefined || builtIn) return builtIn;
  if (!existsSync(model)) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `--model is ${model}, which is neither a built-in model (${BUILT_IN_MODELS.join(", ")}) nor a file.`,
    );
  }
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

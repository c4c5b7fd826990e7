import { existsSync } from "node:fs";
import { BUILT_IN_MODELS, UnSAM, UnSAMError } from "@unsam/sdk";
import { withProgress } from "./terminal/progress.js";

export interface ModelOptions {
  readonly model?: string;
  readonly config?: string;
  readonly weights?: string;
  readonly threads?: number;
  readonly calibration?: string;
}

/** Loads what `--model`, `--config`, `--weights` and `--calibration` name: a built-in name first, else a file. */
export function loadModel(
  { model, config, weights, threads, calibration }: ModelOptions,
  signal: AbortSignal,
): Promise<UnSAM> {
  const builtIn = BUILT_IN_MODELS.find((name) => name === model);
  checkCheckpointFlags({ config, weights }, model !== undefined && !builtIn);
  if (model !== undefined && !builtIn && !existsSync(model)) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `--model is ${model}, which is neither a built-in model (${BUILT_IN_MODELS.join(", ")}) nor a file.`,
    );
  }
  const named = model === undefined || builtIn ? builtIn : { checkpoint: model, config, weights };
  return withProgress(`Loading ${model ?? "the built-in model"}`, () =>
    UnSAM.load({ model: named, threads, calibration, signal }),
  );
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

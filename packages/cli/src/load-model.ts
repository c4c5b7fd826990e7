import { existsSync } from "node:fs";
import { BUILT_IN_MODELS, type BuiltInModel, UnSAM, UnSAMError } from "@unsam/sdk";
import { withProgress } from "./terminal/progress.js";

export interface ModelOptions {
  readonly model?: string;
  readonly config?: string;
  readonly threads?: number;
  readonly calibration?: string;
}

/** Loads what `--model`, `--config` and `--calibration` name: a built-in name first, else a file. */
export function loadModel(
  { model, config, threads, calibration }: ModelOptions,
  signal: AbortSignal,
): Promise<UnSAM> {
  const builtIn = BUILT_IN_MODELS.find((name) => name === model);
  if (config !== undefined && (model === undefined || builtIn)) {
    throw new UnSAMError("E_BAD_OPTION", "--config belongs to a checkpoint; give --model FILE with it.");
  }
  if (model !== undefined && !builtIn && !existsSync(model)) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `--model is ${model}, which is neither a built-in model (${BUILT_IN_MODELS.join(", ")}) nor a file.`,
    );
  }
  const named: BuiltInModel | { checkpoint: string; config?: string } | undefined =
    model === undefined || builtIn
      ? builtIn
      : { checkpoint: model, ...(config === undefined ? {} : { config }) };
  return withProgress(`Loading ${model ?? "the built-in model"}`, () =>
    UnSAM.load({ model: named, threads, calibration, signal }),
  );
}

import { UnSAMError } from "@unsam/core/errors";
import { readFileBytes, shown } from "@unsam/core/files";
import { parseNpy } from "@unsam/core/npy";
import type { PointInput, PromptInput } from "@unsam/sdk";
import type { Command } from "commander";
import { box, count, point } from "./arguments.js";
import { suggest } from "./completion/suggestions.js";
import { markRepeatable } from "./defaults/default-flags.js";
import { withImageOptions } from "./images/image-flags.js";
import type { ModelOptions } from "./load-model.js";
import { MODEL_WORDS } from "./model-file.js";
import { withFamilyOption } from "./own-families.js";

/** What the commands that take one photo and one prompt have in common. */
export interface PromptFlags extends ModelOptions {
  readonly point?: PointInput[];
  readonly box?: [number, number, number, number];
  readonly maskInput?: string;
  readonly maxPixels?: number;
}

export const WEIGHTS_FLAG =
  "which weights to take, where the checkpoint holds several (unsam inspect lists them)";

export function withModelOptions(command: Command): Command {
  command
    .option(
      "--model <name|file>",
      "nano (default), region-tree, a name to fetch (unsam models), or a .pt or .safetensors checkpoint",
    )
    .option("--config <file>", "model configuration (JSON) of a checkpoint that is not an official size")
    .option("--weights <key>", WEIGHTS_FLAG)
    .option("--threads <n>", "threads for the encoder (default: one per core)", count)
    .option("--max-pixels <n>", "refuse larger photos before they are decoded (default: 100000000)", count);
  return suggest(withFamilyOption(command), "--model", MODEL_WORDS);
}

/** What `nameImages` takes. */
export const IMAGES = "photos, folders of photos, patterns as 'photos/*.jpg', or - for standard input";

export function withPromptOptions(bare: Command): Command {
  const command = withImageOptions(withModelOptions(bare)).argument("<images...>", IMAGES);
  return withClickOptions(command).option(
    "--mask-input <file.npy>",
    "low-resolution logits of an earlier answer",
  );
}

/** A click or a box, and what granularity means for it. */
export function withClickOptions(bare: Command): Command {
  const command = bare
    .option(
      "--calibration <file>",
      "what unsam calibrate wrote: granularities then mean what it was fitted to",
    )
    .option(
      "--point <x,y[,0|1]>",
      "a click in pixels; 1 foreground (default), 0 background; repeatable",
      point,
    )
    .option("--box <x0,y0,x1,y1>", "a box in pixels", box);
  return markRepeatable(command, "--point");
}

export function checkPrompt(flags: PromptFlags): void {
  if (flags.point || flags.box || flags.maskInput) return;
  throw new UnSAMError(
    "E_BAD_PROMPT",
    "There is no prompt; give --point X,Y, --box X0,Y0,X1,Y1 or --mask-input FILE.npy.",
  );
}

/** Logits of the largest network are 1 MB; doubles of one four times as large in each direction still fit. */
const MOST_MASK_BYTES = 64 * 2 ** 20;

export async function readPrompt(flags: PromptFlags, signal: AbortSignal): Promise<PromptInput> {
  const mask = flags.maskInput === undefined ? undefined : await readMaskInput(flags.maskInput, signal);
  return { points: flags.point, box: flags.box, mask };
}

async function readMaskInput(file: string, signal: AbortSignal) {
  const what = "The mask prompt";
  const bytes = await readFileBytes(file, { what, code: "E_BAD_FILE", maxBytes: MOST_MASK_BYTES, signal });
  return parseNpy(bytes, `${what} ${shown(file)}`);
}

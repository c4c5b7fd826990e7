import { performance } from "node:perf_hooks";
import type { EncodedImage, UnSAM } from "@unsam/sdk";
import { loadModel } from "./load-model.js";
import type { PromptFlags } from "./prompt-flags.js";
import { withProgress } from "./terminal/progress.js";

/** An answer to a prompt, what it came from, and how long each step took in whole milliseconds. */
export interface Answered<Answer> {
  readonly answer: Answer;
  readonly unsam: UnSAM;
  readonly size: { readonly width: number; readonly height: number };
  readonly milliseconds: { readonly load: number; readonly encode: number; readonly answer: number };
}

/** Loads the model, encodes the photo and asks it; `use` gets the answer while both are there. */
export async function answerPrompt<Answer>(
  image: string,
  flags: PromptFlags,
  signal: AbortSignal,
  ask: (encoded: EncodedImage) => Promise<Answer>,
  use: (answered: Answered<Answer>) => Promise<void>,
): Promise<void> {
  let last = performance.now();
  const lap = () => {
    const before = last;
    last = performance.now();
    return Math.round(last - before);
  };
  await using unsam = await loadModel(flags, signal);
  const load = lap();
  await using encoded = await withProgress(`Encoding ${image}`, () =>
    unsam.encode(image, { signal, maxPixels: flags.maxPixels }),
  );
  const encode = lap();
  const answer = await withProgress("Segmenting", () => ask(encoded));
  const size = { width: encoded.width, height: encoded.height };
  await use({ answer, unsam, size, milliseconds: { load, encode, answer: lap() } });
}

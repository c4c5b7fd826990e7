import { performance } from "node:perf_hooks";
import { UnSAMError } from "@unsam/core/errors";
import type { EncodedImage, UnSAM } from "@unsam/sdk";
import { EXIT_FAILED, explain } from "./failure.js";
import type { ImageFlags } from "./images/image-flags.js";
import type { ImageSource } from "./images/image-source.js";
import type { NamedImages } from "./images/name-images.js";
import { openImage } from "./images/open-image.js";
import { loadModel } from "./load-model.js";
import { type ResultOption, takesStandardOutput } from "./outputs/result-files.js";
import type { PromptFlags } from "./prompt-flags.js";
import { BatchProgress } from "./terminal/batch-progress.js";
import { print, printResult, printWords, tell } from "./terminal/output.js";
import { withProgress } from "./terminal/progress.js";

/** An answer to a prompt, what it came from, and how long each step took in whole milliseconds. */
export interface Answered<Answer> {
  readonly source: ImageSource;
  readonly answer: Answer;
  readonly unsam: UnSAM;
  readonly size: { readonly width: number; readonly height: number };
  readonly milliseconds: { readonly load: number; readonly encode: number; readonly answer: number };
}

/** What a command does with each photo. */
export interface PromptWork<Answer> {
  readonly flags: PromptFlags & ImageFlags & { readonly json?: true };
  readonly options: readonly ResultOption[];
  readonly signal: AbortSignal;
  ask(encoded: EncodedImage): Promise<Answer>;
  write(answered: Answered<Answer>): Promise<void>;
  /** The document of `--json` about one photo. */
  report(answered: Answered<Answer>): unknown;
  /** The same for people. */
  describe(answered: Answered<Answer>): string;
}

/** Loads the model once and asks each photo; one that fails does not stop the others, but the exit code tells of it. */
export function answerImages<Answer>(images: NamedImages, work: PromptWork<Answer>): Promise<void> {
  return images.areSeveral ? answerAll(images.sources, work) : answerOne(images.sources[0], work);
}

async function answerOne<Answer>(source: ImageSource, work: PromptWork<Answer>): Promise<void> {
  const { flags, options, signal } = work;
  // A typing error should not cost the seconds that loading takes.
  const image = await openImage(source, flags, signal);
  const started = performance.now();
  await using unsam = await loadModel(flags, signal);
  const load = Math.round(performance.now() - started);
  await answer(source, image, unsam, load, work, withProgress, (answered) => {
    if (takesStandardOutput(options)) tell(work.describe(answered).trimEnd());
    else
      printResult(
        flags.json,
        () => work.report(answered),
        () => work.describe(answered),
      );
  });
}

interface Failure {
  readonly image: string;
  readonly code: string | null;
  readonly error: string;
}

/** What is the same for every photo: there is no use in trying the others. */
const NOT_OF_THE_PHOTO: ReadonlySet<string> = new Set([
  "E_BAD_OPTION",
  "E_UNSUPPORTED",
  "E_DISPOSED",
  "E_DEVICE",
]);

async function answerAll<Answer>(sources: readonly ImageSource[], work: PromptWork<Answer>): Promise<void> {
  const { flags, signal } = work;
  const failures: Failure[] = [];
  const results: unknown[] = [];
  const fail = (source: ImageSource, error: unknown) => {
    signal.throwIfAborted();
    const code = UnSAMError.isInstance(error) ? error.code : null;
    if (code !== null && NOT_OF_THE_PHOTO.has(code)) throw error;
    failures.push({ image: source.given, code, error: explain(error) });
  };
  const open = await readable(sources, work, fail);
  if (open.length > 0) {
    const started = performance.now();
    await using unsam = await loadModel(flags, signal);
    const load = Math.round(performance.now() - started);
    const progress = new BatchProgress(open.length);
    try {
      for (const source of open) {
        try {
          // Files have been looked at.
          const image = source.path ?? (await openImage(source, flags, signal));
          await answer(source, image, unsam, load, work, quietly, (answered) => {
            if (flags.json) results.push(work.report(answered));
            else printWords(work.describe(answered));
          });
        } catch (error) {
          fail(source, error);
        }
        progress.step(source.given);
      }
    } finally {
      progress.stop();
    }
  }
  for (const { image, error } of failures) tell(`unsam: ${image}: ${error}`);
  if (failures.length > 0) process.exitCode = EXIT_FAILED;
  if (flags.json) print(`${JSON.stringify({ results, failed: failures }, null, 2)}\n`);
  else
    tell(`${sources.length - failures.length} of ${sources.length} photos done, ${failures.length} failed`);
}

/** The photos whose files begin like one; the others fail before a model is loaded. */
async function readable<Answer>(
  sources: readonly ImageSource[],
  { flags, signal }: PromptWork<Answer>,
  fail: (source: ImageSource, error: unknown) => void,
): Promise<ImageSource[]> {
  const good: ImageSource[] = [];
  for (const source of sources) {
    try {
      if (source.path !== null) await openImage(source, flags, signal);
      good.push(source);
    } catch (error) {
      fail(source, error);
    }
  }
  return good;
}

type Step = <T>(text: string, step: () => PromiseLike<T>) => PromiseLike<T>;
/** The row of a batch tells how far it is. */
const quietly: Step = (_, step) => step();

async function answer<Answer>(
  source: ImageSource,
  image: string | Uint8Array,
  unsam: UnSAM,
  load: number,
  { flags, signal, ask, write }: PromptWork<Answer>,
  step: Step,
  use: (answered: Answered<Answer>) => void,
): Promise<void> {
  const started = performance.now();
  await using encoded = await step(`Encoding ${source.given}`, () =>
    unsam.encode(image, { signal, maxPixels: flags.maxPixels }),
  );
  const looked = performance.now();
  const found = await step("Segmenting", () => ask(encoded));
  const milliseconds = {
    load,
    encode: Math.round(looked - started),
    answer: Math.round(performance.now() - looked),
  };
  const size = { width: encoded.width, height: encoded.height };
  const answered = { source, answer: found, unsam, size, milliseconds };
  await write(answered);
  use(answered);
}

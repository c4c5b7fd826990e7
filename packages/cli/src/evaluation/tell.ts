import type { Note, Progress } from "@unsam/evaluation";
import { EXIT_FAILED } from "../failure.js";
import { BatchProgress } from "../terminal/batch-progress.js";
import { tell } from "../terminal/output.js";

/** How far a part of a run is, as one method on one data set. */
interface Reached {
  readonly name: string;
  readonly done: number;
  readonly total: number;
}

/** Runs it, telling on standard error how far it is; a part begins with 0 done. `what` is counted. */
export async function withBatches<Results>(
  what: string,
  run: (onReached: (reached: Reached) => void) => Promise<Results>,
): Promise<Results> {
  let progress: BatchProgress | null = null;
  try {
    return await run(({ name, done, total }) => {
      if (done > 0) return progress?.reach(done, name);
      progress?.stop();
      progress = new BatchProgress(total, what);
    });
  } finally {
    // TypeScript does not see that the callback assigns it.
    (progress as BatchProgress | null)?.stop();
  }
}

/** The same for methods on the images of data sets. */
export function withImages<Results>(
  run: (onProgress: (progress: Progress) => void) => Promise<Results>,
): Promise<Results> {
  return withBatches("images", (onReached) =>
    run(({ dataset, method, done, total }) => onReached({ name: `${method} on ${dataset}`, done, total })),
  );
}

interface ResultOnImages {
  readonly dataset: string;
  readonly method: string;
  readonly failures: readonly { readonly image: string; readonly error: string }[];
}

/** What was left out or adapted, and which images failed. */
export function tellNotes(
  report: {
    readonly datasets: readonly { readonly name: string; readonly notes: readonly Note[] }[];
    readonly results: readonly ResultOnImages[];
  },
  textOf: (note: Note) => string,
): void {
  for (const { name, notes } of report.datasets) {
    for (const note of notes) tell(`${name}: ${textOf(note)}`);
  }
  for (const { dataset, method, failures } of report.results) {
    for (const { image, error } of failures) tell(`${dataset}, ${method}: ${image}: ${error}`);
  }
}

/** Tells once each why there is nothing to score. With such a sentence, or an image that failed, the command ends as failed. */
export function tellNothing<Result extends ResultOnImages>(
  results: readonly Result[],
  sentenceOf: (result: Result) => string | null,
): void {
  const sentences = new Set(results.flatMap((result) => sentenceOf(result) ?? []));
  for (const sentence of sentences) tell(`unsam: ${sentence}`);
  if (sentences.size > 0 || results.some(({ failures }) => failures.length > 0)) {
    process.exitCode = EXIT_FAILED;
  }
}

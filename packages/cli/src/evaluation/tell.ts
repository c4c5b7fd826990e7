import { BatchProgress } from "../terminal/batch-progress.js";
import { tell } from "../terminal/output.js";

/** How far a run over data sets and methods is. */
interface Reached {
  readonly dataset: string;
  readonly method: string;
  readonly done: number;
  readonly total: number;
}

/** Runs it, telling on standard error how far it is. */
export async function withBatches<Results>(
  run: (onProgress: (reached: Reached) => void) => Promise<Results>,
): Promise<Results> {
  let progress: BatchProgress | null = null;
  try {
    return await run(({ dataset, method, done, total }) => {
      if (done > 0) return progress?.step(`${method} on ${dataset}`);
      progress?.stop();
      progress = new BatchProgress(total);
    });
  } finally {
    // TypeScript does not see that the callback assigns it.
    (progress as BatchProgress | null)?.stop();
  }
}

/** What was left out or adapted, and which images failed. */
export function tellNotes<Note>(
  report: {
    readonly datasets: readonly { readonly name: string; readonly notes: readonly Note[] }[];
    readonly results: readonly {
      readonly dataset: string;
      readonly method: string;
      readonly failures: readonly { readonly image: string; readonly error: string }[];
    }[];
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

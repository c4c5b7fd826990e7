import { availableParallelism } from "node:os";
import { ThreadGroup } from "@unsam/core/runtime";
import type { MethodInfo, Settings } from "../methods/method.js";
import { fillsMachine, type MethodSpec } from "../methods/open-method.js";

/** A method that is open, on a thread of each core, or on one alone where it fills the machine by itself. */
export interface OpenedMethod {
  readonly spec: MethodSpec;
  readonly info: MethodInfo;
  /** Of one thread each. They do not keep the process alive while idle. */
  readonly threads: readonly ThreadGroup[];
}

interface MethodsCall<Dataset, Result> {
  readonly levels: readonly number[];
  readonly settings: Settings;
  readonly signal: AbortSignal | undefined;
  readonly measure: (dataset: Dataset, method: OpenedMethod) => Promise<Result>;
}

/**
 * Measures every method on every data set, one method after the other. By data set, then method: the order in which they are
 * compared. Throws what `openMethod` throws.
 */
export async function overMethods<Dataset, Result>(
  datasets: readonly Dataset[],
  methods: readonly MethodSpec[],
  { levels, settings, signal, measure }: MethodsCall<Dataset, Result>,
): Promise<Result[]> {
  const results = datasets.map((): Result[] => []);
  const cores = Array.from(
    { length: availableParallelism() },
    (_, core) => new ThreadGroup(`unsam-eval-${core}`, { size: 1 }),
  );
  for (const spec of methods) {
    const threads = fillsMachine(spec) ? cores.slice(0, 1) : cores;
    const openers = threads.map(openerOf);
    const info = await openers[0]("describeMethod", [spec, levels, settings], { signal });
    for (const [k, dataset] of datasets.entries()) {
      results[k].push(await measure(dataset, { spec, info, threads }));
    }
    await Promise.all(openers.map((opener) => opener("release", [])));
  }
  return results.flat();
}

function openerOf(thread: ThreadGroup) {
  return thread.bind<typeof import("./opened-methods.worker.js")>(
    new URL("./opened-methods.worker.js", import.meta.url),
    "bulk",
  );
}

import { isMainThread, workerData } from "node:worker_threads";
import { UnSAMError } from "../errors.js";
import { reasonOf } from "../files/index.js";

// ONNX Runtime, from 1.29 on, writes a device id into the user's home and reports its use to its vendor, unless this
// variable is set before its first session. It looks into the environment of the process, of which only the main
// thread's `process.env` is a view; every worker's is a copy. docs/decisions/0016-no-telemetry.md
const VARIABLE = "ORT_DISABLE_TELEMETRY";
const ANSWER_LIMIT_MS = 10_000;

/** What our threads are told by the thread that starts them: whether that is the main thread. */
export interface Origin {
  readonly startedByMainThread: boolean;
}

/** For the thread that starts the inference thread, where that is the main thread: then nobody has to be asked. */
export function turnTelemetryOffFirst(): void {
  if (isMainThread) process.env[VARIABLE] = "1";
}

/** Turns telemetry off, in whichever thread. To be awaited before ONNX Runtime is loaded. Throws `E_RUNTIME`. */
export async function turnTelemetryOff(): Promise<void> {
  turnTelemetryOffFirst();
  const { startedByMainThread = false } = (workerData as Partial<Origin> | null) ?? {};
  if ((isMainThread || startedByMainThread) && process.env[VARIABLE] === "1") return;
  const { environment, flags } = processOutside();
  if (environment[VARIABLE] === "1") return;
  const problem = await setInMainThread(flags).catch(reasonOf);
  if (problem === null) return;
  throw new UnSAMError(
    "E_RUNTIME",
    `The telemetry of ONNX Runtime cannot be turned off from this worker thread (${problem}), so it is not loaded; ` +
      `start the process with ${VARIABLE}=1 in its environment, or load a model in the main thread first.`,
  );
}

/** What a worker's `process` does not tell: the environment of the process, and the flags it was started with. */
function processOutside(): { environment: Readonly<Record<string, string>>; flags: string } {
  const report = process.report?.getReport() as
    | { header?: { commandLine?: string[] }; environmentVariables?: Record<string, string> }
    | undefined;
  const environment = report?.environmentVariables ?? {};
  return { environment, flags: [...(report?.header?.commandLine ?? []), environment.NODE_OPTIONS].join(" ") };
}

/** The main thread may belong to somebody else, who need not know of us: it is reached as a debugger would. */
async function setInMainThread(flags: string): Promise<string | null> {
  // With these the connection is no error, but a failed assertion of Node that ends the process.
  if (/permission|config-file/.test(flags)) return "the permission model is on";
  if (process.versions.electron !== undefined) return "this is Electron";
  const { Session } = await import("node:inspector");
  const session = new Session();
  session.connectToMainThread();
  try {
    return await new Promise((resolve) => {
      // Also keeps this thread from ending while it waits.
      const limit = setTimeout(() => resolve("the main thread does not answer"), ANSWER_LIMIT_MS);
      const name = `globalThis.process.env.${VARIABLE}`;
      session.post("Runtime.evaluate", { expression: `${name} = "1", ${name}` }, (error, answer) => {
        clearTimeout(limit);
        if (error) resolve(reasonOf(error));
        else resolve(answer.result.value === "1" ? null : "the main thread refuses");
      });
    });
  } finally {
    session.disconnect();
  }
}

import { ExitGuard } from "./exit-guard.js";
import { turnTelemetryOffFirst } from "./telemetry.js";
import { WorkerThread } from "./worker-thread.js";

let inference: WorkerThread | null = null;
let compute: WorkerThread | null = null;

/** The one thread of this process that owns ONNX Runtime and its sessions: their `run` blocks its thread. */
export function inferenceThread(): WorkerThread {
  turnTelemetryOffFirst();
  inference ??= new WorkerThread("UnSAM inference", new ExitGuard());
  return inference;
}

/** The thread for heavy plain TypeScript (region trees, masks at image size), never held up by the encoder. */
export function computeThread(): WorkerThread {
  compute ??= new WorkerThread("UnSAM compute");
  return compute;
}

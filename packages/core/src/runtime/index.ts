export { ExitGuard } from "./exit-guard.js";
export { type Moved, move } from "./move.js";
export { openSession, type Session, type SessionOptions } from "./ort-session.js";
export { runtimeReport } from "./report.js";
export { type Abortable, type AbortCell, abortableOf, withAbortCell } from "./shared-abort.js";
export { computeThread, inferenceThread } from "./threads.js";
export { type CallOptions, WorkerThread } from "./worker-thread.js";

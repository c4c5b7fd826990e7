import { inferenceThread } from "./threads.js";

/** Version and execution providers of ONNX Runtime on this machine. Rejects where its binary does not load. */
export function runtimeReport(): Promise<{ version: string; providers: string[] }> {
  const thread = inferenceThread().bind<typeof import("./report.worker.js")>(
    new URL("./report.worker.js", import.meta.url),
    "interactive",
  );
  return thread("report", []);
}

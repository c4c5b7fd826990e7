/** Inference thread: which ONNX Runtime this is, and what it can run on. */
export async function report(): Promise<{ version: string; providers: string[] }> {
  const ort = await import("./onnx-runtime.js");
  return {
    version: ort.env.versions.node ?? "unknown",
    providers: ort.listSupportedBackends().map(({ name }) => name),
  };
}

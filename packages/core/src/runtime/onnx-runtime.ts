import { turnTelemetryOff } from "./telemetry.js";

// The one door to ONNX Runtime (the linter knows): whoever imports it from here cannot be before its telemetry is off.
// For modules of the inference thread; others would block their thread, and could no longer be loaded by `require`.
await turnTelemetryOff();

export const { InferenceSession, Tensor, env, listSupportedBackends } = await import("onnxruntime-node");
export type InferenceSession = import("onnxruntime-node").InferenceSession;
export type Tensor = import("onnxruntime-node").Tensor;

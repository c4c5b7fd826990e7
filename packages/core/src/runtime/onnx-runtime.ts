import { UnSAMError } from "../errors.js";
import { reasonOf } from "../files/index.js";
import { turnTelemetryOff } from "./telemetry.js";

// The one door to ONNX Runtime (the linter knows): whoever imports it from here cannot be before its telemetry is off.
// For modules of the inference thread; others would block their thread, and could no longer be loaded by `require`.
await turnTelemetryOff(); // A bundle? Make @unsam/sdk external.

// An optional peer dependency: importing this module rejects with `E_RUNTIME` where it is not installed, or has no binary for
// this platform.
const runtime = await import("onnxruntime-node").catch((cause) => {
  throw new UnSAMError(
    "E_RUNTIME",
    `ONNX Runtime is needed here and cannot be loaded: ${reasonOf(cause)}. Install onnxruntime-node ` +
      "(npm i onnxruntime-node --ignore-scripts), or, for the model nano and checkpoints of SAM 2 and UnSAMv2, use the native addon " +
      '(unsam doctor says why there is none) and leave encoder and decoder at "auto".',
    { cause },
  );
});

export const { InferenceSession, Tensor, env, listSupportedBackends } = runtime;
export type InferenceSession = import("onnxruntime-node").InferenceSession;
export type Tensor = import("onnxruntime-node").Tensor;

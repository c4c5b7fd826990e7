import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { UnSAMError } from "../errors.js";
import { guarded } from "./exit-guard.js";

export interface SessionOptions {
  /** Threads for one operator; 0 or undefined: one per core. */
  readonly threads?: number | undefined;
  /** Execution providers in order of preference, as ONNX Runtime names them. */
  readonly providers?: readonly string[] | undefined;
  /**
   * Keep freed memory for the next run (default true). Off for the encoder, whose intermediates are half a gigabyte
   * at the official size and cost far less time to allocate than to fill.
   */
  readonly keepMemory?: boolean | undefined;
}

/** A tensor of ONNX Runtime, as far as it is used here: its own type is missing where the package is. */
export interface SessionTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<unknown>;
}

/** An ONNX Runtime session. For the inference thread only: `run` blocks the thread it is called on. */
export interface Session {
  run(feeds: Readonly<Record<string, SessionTensor>>): Promise<Readonly<Record<string, SessionTensor>>>;
  release(): Promise<void>;
}

/** Opens a model from a file (external weights beside it) or from bytes. Throws `E_RUNTIME`. */
export async function openSession(
  model: string | Uint8Array,
  options: SessionOptions = {},
): Promise<Session> {
  const ort = await import("./onnx-runtime.js");
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [...(options.providers ?? ["cpu"])],
    graphOptimizationLevel: "all",
    enableCpuMemArena: options.keepMemory ?? true,
    logSeverityLevel: 3,
    ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
  };
  const session = await guarded(() =>
    typeof model === "string"
      ? ort.InferenceSession.create(model, settings)
      : ort.InferenceSession.create(model, settings),
  ).catch((cause) => {
    throw new UnSAMError("E_RUNTIME", `ONNX Runtime could not open the model: ${cause.message}`, { cause });
  });
  return {
    run: async (feeds) => {
      try {
        return await guarded(() => session.run(feeds as Record<string, OrtTensor>));
      } catch (cause) {
        throw new UnSAMError("E_RUNTIME", `ONNX Runtime failed: ${(cause as Error).message}`, { cause });
      }
    },
    release: () => session.release(),
  };
}

import { encodeModel } from "../../graph/index.js";
import { NANO_INPUT_CHANNELS, type NanoInput, nanoEncoder, WeightView } from "../../models/index.js";
import type { LearnedCues } from "../../region-tree/index.js";
import { openSession, type Session } from "../../runtime/index.js";
import { Tensor } from "../../runtime/onnx-runtime.js";
import type { CueNetwork, NanoWeights } from "./cue-network.js";

// Importing this file loads ONNX Runtime, whose `run` blocks its thread: it belongs in a worker.

/** A session holds its weights and a plan for one size: few images come in more sizes than this at once. */
const SESSIONS = 4;

/** The network on ONNX Runtime, with sessions for the sizes it has met. */
export class OnnxNetwork implements CueNetwork {
  readonly kind = "onnx";
  readonly #weights: NanoWeights;
  readonly #threads: number | undefined;
  /** By size of the input, the last used at the end. */
  readonly #sessions = new Map<string, Session>();

  constructor(weights: NanoWeights, threads: number | undefined) {
    this.#weights = weights;
    this.#threads = threads;
  }

  async look({ width, height, data }: NanoInput): Promise<LearnedCues> {
    const session = await this.#sessionFor(width, height);
    const pixels = new Tensor("float32", data, [1, NANO_INPUT_CHANNELS, height, width]);
    const { border, metric } = await session.run({ pixels });
    const [, dimensions, rows, columns] = metric.dims;
    const maps = border.data as Float32Array;
    return {
      columns,
      rows,
      border: maps.slice(0, rows * columns),
      height: maps.slice(rows * columns),
      metric: (metric.data as Float32Array).slice(),
      dimensions,
    };
  }

  async release(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.release()));
  }

  async #sessionFor(width: number, height: number): Promise<Session> {
    const key = `${width}x${height}`;
    let session = this.#sessions.get(key);
    if (session) {
      this.#sessions.delete(key);
    } else {
      if (this.#sessions.size === SESSIONS) {
        const [[oldest, idle]] = this.#sessions;
        this.#sessions.delete(oldest);
        await idle.release();
      }
      const graph = nanoEncoder(viewOf(this.#weights), { width, height });
      session = await openSession(await encodeModel(graph), { threads: this.#threads, keepMemory: false });
    }
    this.#sessions.set(key, session);
    return session;
  }
}

/** The weights as graphs ask for them. */
function viewOf(weights: NanoWeights): WeightView {
  return new WeightView({ tensors: weights, read: async (name) => weights.get(name)! });
}

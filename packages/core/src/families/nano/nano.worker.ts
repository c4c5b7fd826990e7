import { openCheckpoint } from "../../checkpoint/index.js";
import { UnSAMError } from "../../errors.js";
import { encodeModel } from "../../graph/index.js";
import type { RgbImage } from "../../image/rgb-image.js";
import { NANO_INPUT_CHANNELS, NANO_MARK, nanoEncoder, nanoInput, WeightView } from "../../models/index.js";
import { type LearnedCues, labPlanes, workingImage } from "../../region-tree/index.js";
import { keep, move, openSession, type Session } from "../../runtime/index.js";
import { Tensor } from "../../runtime/onnx-runtime.js";

// The inference thread's side of the nano model: its weights, and sessions for the sizes it has met.

export interface Nano {
  readonly weights: ReadonlyMap<string, { readonly data: Float32Array; readonly shape: readonly number[] }>;
  readonly threads: number | undefined;
  /** By size of the input, the last used at the end. */
  readonly sessions: Map<string, Session>;
}

/** A session holds its weights and a plan for one size: few images come in more sizes than this at once. */
const SESSIONS = 4;

/** Reads the weights whole (they are small). Throws `E_BAD_CHECKPOINT`. */
export async function open(path: string, threads: number | undefined) {
  const checkpoint = await openCheckpoint(path);
  try {
    if (!checkpoint.tensors.has(NANO_MARK)) {
      throw new UnSAMError("E_BAD_CHECKPOINT", `${path} holds no nano model: ${NANO_MARK} is missing.`);
    }
    const weights = new Map<string, { data: Float32Array; shape: readonly number[] }>();
    for (const name of checkpoint.tensors.keys()) weights.set(name, await checkpoint.read(name));
    const view = viewOf(weights);
    nanoEncoder(view, { width: 32, height: 32 });
    view.check();
    const model: Nano = { weights, threads, sessions: new Map() };
    return {
      model: keep(model, { gone: "This model was disposed; load it again.", release: () => close(model) }),
      fingerprint: await checkpoint.fingerprint(),
    };
  } finally {
    await checkpoint.close();
  }
}

function viewOf(weights: Nano["weights"]): WeightView {
  return new WeightView({ tensors: weights, read: async (name) => weights.get(name)! });
}

/** What the network sees in a photo, on the image the region tree is built on. */
export async function look(model: Nano, image: RgbImage) {
  const working = workingImage(image);
  const input = nanoInput(labPlanes(working), working.width, working.height);
  const session = await sessionFor(model, input.width, input.height);
  const shape = [1, NANO_INPUT_CHANNELS, input.height, input.width];
  const { border, metric } = await session.run({ pixels: new Tensor("float32", input.data, shape) });
  const [, dimensions, rows, columns] = metric.dims;
  const maps = border.data as Float32Array;
  const cues: LearnedCues = {
    columns,
    rows,
    border: maps.slice(0, rows * columns),
    height: maps.slice(rows * columns),
    metric: (metric.data as Float32Array).slice(),
    dimensions,
  };
  return move(cues, cues.border, cues.height, cues.metric);
}

async function sessionFor(model: Nano, width: number, height: number): Promise<Session> {
  const key = `${width}x${height}`;
  let session = model.sessions.get(key);
  if (session) {
    model.sessions.delete(key);
  } else {
    if (model.sessions.size === SESSIONS) {
      const [[oldest, idle]] = model.sessions;
      model.sessions.delete(oldest);
      await idle.release();
    }
    const graph = nanoEncoder(viewOf(model.weights), { width, height });
    session = await openSession(await encodeModel(graph), { threads: model.threads, keepMemory: false });
  }
  model.sessions.set(key, session);
  return session;
}

async function close({ sessions }: Nano): Promise<void> {
  await Promise.all([...sessions.values()].map((session) => session.release()));
}

import { readFile } from "node:fs/promises";
import type { Engine, EngineAnswer, EngineImage } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import type { ModelFamily } from "@unsam/core/families";
import { packMask } from "@unsam/core/mask";
import { Mask } from "@unsam/sdk";

// A family with an engine of its own: a click means the disk around it. `model: "disks"` has a radius of 20 pixels, a file
// `*.disks` holds another one.

export const disks: ModelFamily = {
  name: "disks",
  capabilities: {
    granularity: false,
    multimask: false,
    refinement: false,
    regions: false,
    restore: null,
    weights: "none",
    options: [],
    fillsMachine: false,
  },
  recognise: ({ name, checkpoint }) => name === "disks" || checkpoint?.path.endsWith(".disks") === true,
  async open({ name, checkpoint }) {
    return engineOf(
      name ?? checkpoint!.path,
      checkpoint ? Number(await readFile(checkpoint.path, "utf8")) : 20,
    );
  },
};

function engineOf(name: string, radius: number): Engine {
  const why = "A disk needs none.";
  return {
    info: {
      name,
      family: "disks",
      description: `Disks of radius ${radius}.`,
      capabilities: disks.capabilities,
      fingerprint: `disks-${radius}`,
      device: "cpu",
      encoder: "none",
      decoder: "none",
      kernels: "typescript",
      precision: "float32",
      reasons: { device: why, encoder: why, decoder: why, kernels: why, precision: why },
    },
    encodesAtOnce: 1,
    encode: async ({ width, height }) => imageOf(width, height, radius),
    restore: () => Promise.reject(new UnSAMError("E_UNSUPPORTED", "Disks cannot be restored.")),
    dispose: async () => {},
  };
}

function imageOf(width: number, height: number, radius: number): EngineImage {
  const disk = ([cx, cy]: readonly [number, number]): Mask => {
    const bits = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) bits[y * width + x] = Number(Math.hypot(x - cx, y - cy) <= radius);
    }
    return Mask.fromBytes(width, height, bits);
  };
  return {
    width,
    height,
    bytes: 0,
    segment: async (prompts) =>
      prompts.map(({ points: [{ x, y }] }): EngineAnswer => {
        const logits = { data: new Float32Array(16).fill(1), shape: [4, 4] };
        const best = {
          mask: disk([x, y]),
          score: 0.9,
          objectScore: 1,
          stability: 1,
          granularity: null,
          logits,
        };
        return { best, candidates: [], alternatives: [] };
      }),
    async *propose({ points }) {
      yield {
        kind: "masks",
        masks: points.map((point) => ({
          mask: packMask(disk(point).words, width, height),
          predictedIou: 0.9,
          stability: 1,
          granularity: null,
          point,
        })),
      };
    },
    save: async () => ({ tensors: new Map() }),
    dispose: async () => {},
  };
}

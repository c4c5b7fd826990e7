import { readFileSync } from "node:fs";
import path from "node:path";
import {
  describeWithShared,
  inRepository,
  type ParityCase,
  type ReferenceFile,
  shared,
} from "@unsam/test-support";
import { describe } from "vitest";
import { type Checkpoint, openCheckpoint } from "#core/checkpoint/index.js";
import { assemblePrompt, type ImageFeatures, type NetworkPrompt } from "#core/decoder/index.js";
import { type ResolvedModel, resolveModel } from "#core/models/index.js";
import { parseNpy } from "#core/npy.js";
import type { Tensor } from "#core/tensor.js";

export type { ParityCase };

interface ParityImage {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly input?: ReferenceFile;
  readonly image_embed: ReferenceFile;
  readonly high_res_feats_0?: ReferenceFile;
  readonly high_res_feats_1?: ReferenceFile;
}

/** A folder of reference values: a small checkpoint and what the official PyTorch code computes with it. */
export class ParitySet {
  readonly #folder: string;
  readonly checkpointFile: string;
  readonly prompts: {
    readonly images: readonly ParityImage[];
    readonly cases: readonly ParityCase[];
    readonly stages: Readonly<Record<string, ReferenceFile>>;
    readonly rules?: Readonly<Record<string, ReferenceFile>> & { readonly mask_tokens: readonly number[][] };
  };

  constructor(folder: string, checkpointFile?: string) {
    this.#folder = folder;
    this.prompts = JSON.parse(readFileSync(path.join(folder, "prompts.json"), "utf8"));
    this.checkpointFile =
      checkpointFile ?? path.join(folder, JSON.parse(this.#text("prompts.json")).checkpoint);
  }

  #text(file: string): string {
    return readFileSync(path.join(this.#folder, file), "utf8");
  }

  array({ file }: ReferenceFile): Tensor {
    return parseNpy(readFileSync(path.join(this.#folder, file)), file);
  }

  stage(name: string): Tensor {
    return this.array(this.prompts.stages[name]);
  }

  async open(): Promise<{ model: ResolvedModel; checkpoint: Checkpoint }> {
    const checkpoint = await openCheckpoint(this.checkpointFile);
    return { checkpoint, model: resolveModel(checkpoint, this.config) };
  }

  /** Keys of the official YAML. */
  get config(): unknown {
    return JSON.parse(this.#text("config.json"));
  }

  /** The first image is the one with all features stored. */
  get image(): ParityImage {
    return this.prompts.images[0];
  }

  /** Cases on that image. */
  get cases(): readonly ParityCase[] {
    return this.prompts.cases.filter((one) => one.image === this.image.id);
  }

  features(): ImageFeatures {
    const plain = (stored: ReferenceFile): Tensor => {
      const { data, shape } = this.array(stored);
      return { data, shape: shape.slice(1) };
    };
    const { image_embed, high_res_feats_0, high_res_feats_1 } = this.image;
    return {
      image_embed: plain(image_embed),
      ...(high_res_feats_0 && { high_res_0: plain(high_res_feats_0) }),
      ...(high_res_feats_1 && { high_res_1: plain(high_res_feats_1) }),
    };
  }

  networkPrompts(one: ParityCase, imageSize: number): NetworkPrompt[] {
    const masks = one.mask_input ? this.array(one.mask_input).data : null;
    const image = this.prompts.images.find(({ id }) => id === one.image)!;
    return Array.from({ length: one.batch }, (_, entry) => {
      const points = (one.points?.[entry] ?? []).map(([x, y], i) => ({ x, y, label: one.labels![entry][i] }));
      const box = one.boxes?.[entry] ?? null;
      const maskLogits =
        masks?.slice((entry * masks.length) / one.batch, ((entry + 1) * masks.length) / one.batch) ?? null;
      const granularity =
        typeof one.granularity === "number" ? one.granularity : (one.granularity?.[entry] ?? null);
      return assemblePrompt({ points, box, maskLogits, granularity }, image, imageSize);
    });
  }
}

const FIXTURE = inRepository("packages/core/fixtures/unsamv2-mini");

/** A suite per parity set: the trimmed one of the repository, and the full ones where they lie beside it. */
export function describeParity(title: string, body: (open: () => ParitySet) => void): void {
  describeParityWithout([], title, body);
}

/** The same without the sets of these names: where only weights matter, one set of them is enough. */
export function describeParityWithout(
  names: readonly string[],
  title: string,
  body: (open: () => ParitySet) => void,
): void {
  describe(`${title}: fixture of the repository`, () => body(() => new ParitySet(FIXTURE)));
  for (const [name, folder, checkpoint] of [
    ["UnSAMv2, .pt", "unsamv2-mini", "unsamv2-mini/checkpoint.pt"],
    ["UnSAMv2, .safetensors", "unsamv2-mini", "unsamv2-mini-safetensors/checkpoint.safetensors"],
    ["SAM 2.1", "sam21-mini", "sam21-mini/checkpoint.safetensors"],
    ["EfficientTAM", "efficienttam-mini", "efficienttam-mini/checkpoint.safetensors"],
  ]) {
    if (names.includes(name)) continue;
    describeWithShared(`${title}: ${name}`, () =>
      body(() => new ParitySet(shared("parity", folder), shared("parity", checkpoint))),
    );
  }
}

import { readFileSync } from "node:fs";
import path from "node:path";
import { type ReferenceFile, shared } from "@unsam/test-support";
import { type Checkpoint, openCheckpoint } from "#core/checkpoint/index.js";
import { type NamedTensors, type ResolvedModel, resolveModel } from "#core/models/index.js";
import { parseNpy } from "#core/npy.js";
import type { Tensor } from "#core/tensor.js";

/** The video fixture of the shared folder; see the README beside it. */
export class VideoSet {
  readonly folder = shared("parity", "video-mini");

  path(file: string): string {
    return path.join(this.folder, file);
  }

  json<Content>(file: string): Content {
    return JSON.parse(readFileSync(this.path(file), "utf8"));
  }

  array({ file }: Pick<ReferenceFile, "file">): Tensor {
    return parseNpy(readFileSync(this.path(file)), file);
  }

  stage(name: string): Tensor {
    return this.array({ file: `stages/${name}.npy` });
  }

  /** The UnSAMv2 model is the union of both files. */
  async open(kind: "sam2.1" | "unsamv2"): Promise<{ model: ResolvedModel; close(): Promise<void> }> {
    const files = kind === "sam2.1" ? ["checkpoint"] : ["checkpoint", "unsam-extra"];
    const opened = await Promise.all(files.map((name) => openCheckpoint(this.path(`${name}.safetensors`))));
    const config = this.json(kind === "sam2.1" ? "config.json" : "config-unsam.json");
    return {
      model: resolveModel(opened.length === 1 ? opened[0] : union(opened), config),
      close: async () => {
        await Promise.all(opened.map((one) => one.close()));
      },
    };
  }
}

function union(checkpoints: readonly Checkpoint[]): NamedTensors {
  const holders = new Map(checkpoints.flatMap((one) => [...one.tensors.keys()].map((name) => [name, one])));
  return {
    tensors: new Map(checkpoints.flatMap((one) => [...one.tensors])),
    read: (name) => holders.get(name)!.read(name),
  };
}

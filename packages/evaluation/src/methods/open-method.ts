import { availableParallelism } from "node:os";
import {
  defaultCacheDir,
  type Engine,
  openNanoEngine,
  openNetworkEngine,
  openRegionTreeEngine,
} from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { readModelConfig } from "@unsam/core/models";
import type { RegionTreeOptions } from "@unsam/core/region-tree";
import { engineMethod } from "./engine.js";
import { felzenszwalbMethod } from "./felzenszwalb.js";
import type { Method } from "./method.js";
import { otsuMethod } from "./otsu.js";
import { REGION_TREE_BASELINE, regionTreeMethod } from "./region-tree.js";

/** Names that `openMethod` knows as baselines. */
export const BASELINES = ["otsu", "felzenszwalb", "region-tree"] as const;
export type Baseline = (typeof BASELINES)[number];

/**
 * Engines in the box, by the names that `UnSAM.load` gives them; one thread each, for every core has its own. `weights`:
 * of those that have any, a path.
 */
const BUILT_IN: Readonly<Record<string, (weights: string | undefined) => Promise<Engine>>> = {
  "region-tree": () => openRegionTreeEngine({ threads: 1, cacheDir: defaultCacheDir() }),
  nano: async (weights) => {
    if (weights !== undefined) return openNanoEngine({ weights, threads: 1, signal: undefined });
    throw new UnSAMError("E_BAD_OPTION", "The model nano needs the path of its weights.");
  },
};

/** Which method to open. Plain data: it crosses to worker threads. */
export type MethodSpec =
  | { readonly kind: "baseline"; readonly name: Baseline; readonly tree?: RegionTreeOptions }
  | {
      readonly kind: "model";
      /** Built-in name or path of a checkpoint. */
      readonly model: string;
      /** Of a built-in model that has weights: their path. Of a checkpoint with several: the key of those to take. */
      readonly weights?: string;
      /** Path of a checkpoint's configuration (JSON); null where it is an official size. */
      readonly config: string | null;
      readonly withoutGranularity: boolean;
    };

/** The name a method has in reports: its own, also beside a model of the same name. */
export function methodName(spec: MethodSpec): string {
  if (spec.kind === "baseline") return spec.name === "region-tree" ? REGION_TREE_BASELINE : spec.name;
  return spec.withoutGranularity ? `${spec.model} without granularity` : spec.model;
}

/** Whether one instance keeps all cores busy by itself, so that a second one would only take memory. */
export function fillsMachine(spec: MethodSpec): boolean {
  return spec.kind === "model" && !Object.hasOwn(BUILT_IN, spec.model);
}

/** Opens a method. `levels`: settings of the dial to ask for. Throws `E_BAD_OPTION`, `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`. */
export async function openMethod(spec: MethodSpec, levels: readonly number[]): Promise<Method> {
  if (spec.kind === "model") {
    const { withoutGranularity } = spec;
    const engine = await openEngine(spec);
    if (withoutGranularity && !engine.info.granularity) {
      await engine.dispose();
      throw new UnSAMError("E_BAD_OPTION", `${spec.model} has no granularity input to leave out.`);
    }
    return engineMethod(engine, { name: methodName(spec), levels, withoutGranularity });
  }
  switch (spec.name) {
    case "otsu":
      return otsuMethod();
    case "felzenszwalb":
      return felzenszwalbMethod();
    case "region-tree":
      return regionTreeMethod(levels, spec.tree);
    default:
      throw new UnSAMError(
        "E_BAD_OPTION",
        `There is no baseline ${String((spec as { name: unknown }).name)}; there are ${BASELINES.join(", ")}.`,
      );
  }
}

async function openEngine({ model, weights, config }: MethodSpec & { kind: "model" }): Promise<Engine> {
  if (Object.hasOwn(BUILT_IN, model)) return BUILT_IN[model](weights);
  return openNetworkEngine({
    checkpoint: model,
    config: await readModelConfig(config ?? undefined),
    weights,
    device: "auto",
    encoder: "auto",
    decoder: "auto",
    precision: "float32",
    threads: availableParallelism(),
    cacheDir: defaultCacheDir(),
    signal: undefined,
  });
}

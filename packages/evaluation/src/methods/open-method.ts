import { availableParallelism } from "node:os";
import type { Engine } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { builtInFamily, importModelFamilies, openModel } from "@unsam/core/families";
import type { RegionTreeOptions } from "@unsam/core/region-tree";
import { BASELINES, type Baseline } from "../names.js";
import { engineMethod } from "./engine.js";
import { felzenszwalbMethod } from "./felzenszwalb.js";
import type { Method, Settings } from "./method.js";
import { otsuMethod } from "./otsu.js";
import { REGION_TREE_BASELINE, regionTreeMethod } from "./region-tree.js";

/** Which method to open. Plain data: it crosses to worker threads. */
export type MethodSpec =
  | { readonly kind: "baseline"; readonly name: Baseline; readonly tree?: RegionTreeOptions }
  | {
      readonly kind: "model";
      /** Name of a built-in model or of one of `families`, or path of a checkpoint. */
      readonly model: string;
      /** Of a checkpoint that holds the weights of several models: the key of those to take. */
      readonly weights?: string;
      /** Path of a checkpoint's configuration (JSON); null where it is an official size. */
      readonly config: string | null;
      /** Addresses of modules with model families of your own (`importModelFamilies`), asked before the package's. */
      readonly families?: readonly string[];
      readonly withoutGranularity: boolean;
    };

/** The name a method has in reports: its own, also beside a model of the same name. */
export function methodName(spec: MethodSpec): string {
  if (spec.kind === "baseline") return spec.name === "region-tree" ? REGION_TREE_BASELINE : spec.name;
  return spec.withoutGranularity ? `${spec.model} without granularity` : spec.model;
}

/** Whether one instance keeps all cores busy by itself, so that a second one would only take memory. */
export function fillsMachine(spec: MethodSpec): boolean {
  return spec.kind === "model" && (builtInFamily(spec.model)?.capabilities.fillsMachine ?? true);
}

/** Opens a method. `levels`: granularities to ask for; `settings` of networks. Throws `E_BAD_OPTION`, `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`. */
export async function openMethod(
  spec: MethodSpec,
  levels: readonly number[],
  settings: Settings = "own",
): Promise<Method> {
  if (spec.kind === "model") {
    const { withoutGranularity } = spec;
    // Of models that do not fill the machine every core has its own.
    const engine = await openEngine(spec, fillsMachine(spec) ? availableParallelism() : 1);
    if (withoutGranularity && !engine.info.capabilities.granularity) {
      await engine.dispose();
      throw new UnSAMError("E_BAD_OPTION", `${spec.model} has no granularity input to leave out.`);
    }
    return engineMethod(engine, { name: methodName(spec), levels, withoutGranularity, settings });
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

/** A method that is a model. */
export type ModelSpec = MethodSpec & { readonly kind: "model" };

/** Opens the model of a method. Throws `E_BAD_OPTION`, `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`. */
export async function openEngine(spec: ModelSpec, threads: number, signal?: AbortSignal): Promise<Engine> {
  const { model, weights, config } = spec;
  const families = await importModelFamilies(spec.families ?? []);
  const options = { threads, families, signal };
  if (!builtInFamily(model) && !families.some(({ name }) => name === model)) {
    return openModel({ checkpoint: model, weights, config: config ?? undefined }, options);
  }
  if (weights === undefined && config === null) return openModel(model, options);
  throw new UnSAMError(
    "E_BAD_OPTION",
    `The model ${model} has a name; weights and config belong to a checkpoint, leave them out.`,
  );
}

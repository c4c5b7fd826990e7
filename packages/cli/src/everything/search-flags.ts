import type { EverythingOptions } from "@unsam/sdk";
import { type Command, Option } from "commander";
import { count, granularityRange, share, wholeNumber } from "../arguments.js";

/** How everything is sought in a photo. */
export interface SearchFlags {
  readonly granularity?: EverythingOptions["granularity"];
  readonly levels?: number;
  readonly prompting?: "adaptive" | "grid" | "regions";
  readonly pointsPerSide?: number;
  readonly cropLayers?: number;
  readonly minRegionArea?: number;
  readonly predictedIou?: number;
  readonly stability?: number;
}

export function withSearchOptions(command: Command): Command {
  return command
    .option(
      "--granularity <g|a..b|g,g,…>",
      "a granularity, a range (default 0.1..1), or a list",
      granularityRange,
    )
    .option("--levels <n>", "how many granularities a range means (default 5)", count)
    .addOption(
      new Option(
        "--prompting <how>",
        "where masks are sought (default: adaptive; region tree: regions)",
      ).choices(["adaptive", "grid", "regions"]),
    )
    .option("--points-per-side <n>", "side of the grid of clicks (default 32)", count)
    .option("--crop-layers <n>", "look again at 4, 16 … overlapping crops (default 0)", wholeNumber)
    .option("--min-region-area <pixels>", "remove smaller holes and islands (default 0)", wholeNumber)
    .option("--predicted-iou <x>", "masks below are dropped (default 0.8; region tree: 0)", share)
    .option("--stability <x>", "masks below are dropped (default 0.95; region tree: 0)", share);
}

/** Without other flags. */
export function searchOptions(flags: SearchFlags): Omit<EverythingOptions, "signal" | "onProgress"> {
  const { granularity, levels, prompting, pointsPerSide, cropLayers, minRegionArea } = flags;
  const { predictedIou, stability } = flags;
  return {
    ...{ granularity, levels, prompting, pointsPerSide, cropLayers, minRegionArea },
    ...{ predictedIou, stability },
  };
}

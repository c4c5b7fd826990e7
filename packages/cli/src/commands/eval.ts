import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { BUILT_IN_MODELS, DEFAULT_MODEL } from "@unsam/core/names";
import type { Measures, MethodSpec, ModelSpec, Report } from "@unsam/evaluation";
import { BASELINES, type Baseline, HALVES, type Half, OPTIONAL_METRICS } from "@unsam/evaluation/names";
import { Command, InvalidArgumentError, Option } from "commander";
import { count, repeatable } from "../arguments.js";
import { checkFolder } from "../check-writable.js";
import { suggest } from "../completion/suggestions.js";
import { markRepeatable } from "../defaults/default-flags.js";
import { evalObjects } from "../evaluation/objects.js";
import { tellNotes, tellNothing, withImages } from "../evaluation/tell.js";
import { evalVideos } from "../evaluation/videos.js";
import { withExamples } from "../help/examples.js";
import { placesOf } from "../images/patterns.js";
import { checkCheckpointFlags } from "../load-model.js";
import { checkModelFlag, MODEL_WORDS, modelFile } from "../model-file.js";
import { type FamilyFlags, familiesOf, familyModules, withFamilyOption } from "../own-families.js";
import { WEIGHTS_FLAG } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { tableText } from "../terminal/table.js";
import { version } from "../version.js";
import { writeFolder } from "../write-folder.js";

interface EvalFlags extends FamilyFlags {
  readonly data: string;
  readonly protocol: Protocol;
  readonly split?: string;
  readonly half: Half;
  readonly model?: string[];
  readonly config?: string;
  readonly weights?: string;
  readonly baseline?: BaselineName[];
  readonly levels: number;
  readonly limit?: number;
  readonly metrics: Measures;
  readonly maxPixels?: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: true;
}

/** The model without its granularity input is a baseline, too: it tells what granularity is worth. */
const WITHOUT_GRANULARITY = "no-granularity";
type BaselineName = Baseline | typeof WITHOUT_GRANULARITY;
const BASELINE_NAMES: readonly BaselineName[] = [...BASELINES, WITHOUT_GRANULARITY];

/** What is measured: masks of clicks on photos, clicks until objects are reached, or objects followed through videos. */
const PROTOCOLS = ["clicks", "unsamv2", "davis"] as const;
type Protocol = (typeof PROTOCOLS)[number];
/** Flags that do not say something about every protocol, as Commander names them, and those that they do say something about. */
const FLAGS_OF: Record<Protocol, readonly string[]> = {
  clicks: ["baseline", "levels", "metrics", "seed", "half"],
  unsamv2: ["baseline", "levels", "metrics", "seed", "half"],
  davis: ["split"],
};

export function evalCommand({ signal }: Interrupt): Command {
  const command = new Command("eval")
    .description(
      "Measure models and baselines on clicks whose right answer people drew, or models on annotated videos.",
    )
    .requiredOption(
      "--data <dir>",
      "a data set, a folder of data sets, a COCO JSON, a folder of photos and label maps, or a pattern of these",
    )
    .addOption(
      new Option(
        "--protocol <name>",
        "clicks on photos; unsamv2: NoC80, NoC90, 1-IoU and AR1000 of its paper, on GrabCut, Berkeley, DAVIS, SBD, Pascal-Part, PartImageNet, SA-1B or COCO; davis: J and F of objects followed through videos in the layout of DAVIS or SA-V",
      )
        .choices(PROTOCOLS)
        .default("clicks" satisfies Protocol),
    )
    .option(
      "--split <name>",
      "with --protocol davis: the videos of a list of the data set, as val or 2016/val",
    )
    .addOption(
      new Option(
        "--half <name>",
        "images of a fixed half: development (to choose settings on), report (to report), or all",
      )
        .choices(HALVES)
        .default("all" satisfies Half),
    )
    .option("--model <name|file>", "built-in model or checkpoint; repeatable", repeatable)
    .option("--config <file>", "model configuration (JSON) of a checkpoint that is not an official size")
    .option("--weights <key>", WEIGHTS_FLAG)
    .addOption(
      new Option(
        "--baseline <name>",
        `${BASELINE_NAMES.join(", ")} (of --model); several with commas, or repeated`,
      ).argParser(baselines),
    )
    .option("--levels <n>", "how many granularities, evenly spaced up to 1", count, 10)
    .option("--limit <n>", "only n images of each set, or n videos, spread evenly", count)
    .addOption(
      new Option(
        "--metrics <names>",
        `beside clicks and granularity: ${OPTIONAL_METRICS.join(", ")}, or all (slow)`,
      )
        .default(measuresOf([]), "none")
        .argParser(metrics),
    )
    .option("--max-pixels <n>", "refuse larger photos before they are decoded (default: 100000000)", count)
    .option("--seed <n>", "of intervals, and of clicks where a set has none", count, 1)
    .option("--out <dir>", "write report.json, report.md and report.html into this folder")
    .option("--json", "print one JSON document to standard output")
    .action((flags: EvalFlags, command: Command) => run(flags, command, signal));
  withFamilyOption(command);
  suggest(command, "--model", MODEL_WORDS);
  suggest(command, "--baseline", BASELINE_NAMES);
  suggest(command, "--protocol", PROTOCOLS);
  suggest(command, "--half", HALVES);
  suggest(command, "--metrics", [...OPTIONAL_METRICS, "all"]);
  markRepeatable(command, "--model", "--baseline");
  return withExamples(command, [
    ["unsam eval --data photos/annotations.json --limit 20", "the default model on a COCO file"],
    [
      "unsam eval --data sets --model unsamv2 --baseline no-granularity --out report",
      "what its granularity is worth",
    ],
    [
      "unsam eval --protocol unsamv2 --data benchmarks --model unsamv2 --out report",
      "the table of UnSAMv2's paper",
    ],
    [
      "unsam eval --protocol davis --data DAVIS --split val --model sam2.1-tiny",
      "objects followed through videos",
    ],
  ]);
}

async function run(flags: EvalFlags, command: Command, signal: AbortSignal): Promise<void> {
  const modules = await familyModules(flags, signal);
  const families = await familiesOf(modules);
  const named = methodsOf(flags, { names: families.map(({ name }) => name), modules });
  if (flags.out) await checkFolder("--out", flags.out);
  const typed = ["unsam", ...argumentsOf(command).map(quoted)].join(" ");
  checkProtocolFlags(flags.protocol, (flag) => command.getOptionValueSource(flag) === "cli");
  const methods = await withFiles(named, signal);
  const measures = command.getOptionValueSource("metrics") === "default" ? null : flags.metrics;
  const byProtocol = {
    clicks: () => evalClicks(flags, methods, typed, signal),
    unsamv2: () => evalObjects({ ...flags, measures }, methods, typed, signal),
    // Baselines are refused, so all of them are models.
    davis: () => evalVideos(flags, methods as ModelSpec[], typed, signal),
  } as const satisfies Record<EvalFlags["protocol"], () => Promise<void>>;
  return byProtocol[flags.protocol]();
}

async function evalClicks(
  flags: EvalFlags,
  methods: readonly MethodSpec[],
  typed: string,
  signal: AbortSignal,
): Promise<void> {
  const evaluation = await import("@unsam/evaluation");
  const options = {
    levels: evaluation.dialLevels(flags.levels),
    limit: flags.limit ?? null,
    measures: flags.metrics,
    seed: flags.seed,
  };
  const opened = await evaluation.openDatasets(await placesOf(flags.data, signal), { signal });
  const datasets = opened.map((dataset) => evaluation.takeHalf(dataset, flags.half));
  const results = await withImages((onProgress) =>
    evaluation.evaluate(datasets, methods, { ...options, maxPixels: flags.maxPixels, onProgress, signal }),
  );
  const code = await evaluation.codeCommit();
  const details = { command: typed, version, code, date: new Date(), half: flags.half, options };
  const report = evaluation.makeReport(results, details);
  if (flags.out) {
    const files = await evaluation.reportFiles(report, results);
    signal.throwIfAborted();
    await writeFolder(flags.out, files);
  }
  tellNotes(report, evaluation.noteText);
  printResult(
    flags.json,
    () => report,
    () => describe(report, flags.out),
  );
  tellNothing(report.results, (result) => evaluation.nothingScored(report, result));
}

/** Throws `E_BAD_OPTION` for flags of another protocol: nothing that is asked for is left out in silence. */
function checkProtocolFlags(protocol: Protocol, given: (flag: string) => boolean): void {
  const own = FLAGS_OF[protocol];
  const wrong = PROTOCOLS.flatMap((name) => FLAGS_OF[name]).find(
    (flag) => !own.includes(flag) && given(flag),
  );
  if (wrong === undefined) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `--${wrong} says nothing about --protocol ${protocol}; leave one of them out.`,
  );
}

/** What the flags name, in their order; the best built-in model where they name nothing. `own`: families of the user. */
function methodsOf(
  { model = [], config, weights, baseline = [] }: EvalFlags,
  own: { readonly names: readonly string[]; readonly modules: readonly string[] },
): MethodSpec[] {
  const isBuiltIn = (name: string) => [...BUILT_IN_MODELS, ...own.names].includes(name);
  for (const name of model) if (!isBuiltIn(name)) checkModelFlag(name);
  checkCheckpointFlags(
    { config, weights },
    model.some((name) => !isBuiltIn(name)),
  );
  const named = (name: string, withoutGranularity: boolean): MethodSpec => ({
    kind: "model",
    model: name,
    ...(weights === undefined || isBuiltIn(name) ? {} : { weights }),
    config: isBuiltIn(name) ? null : (config ?? null),
    ...(own.modules.length === 0 ? {} : { families: own.modules }),
    withoutGranularity,
  });
  const models = [...new Set(model)];
  const methods = models.map((name) => named(name, false));
  for (const name of baseline) {
    if (name !== WITHOUT_GRANULARITY) methods.push({ kind: "baseline", name });
    else if (model.length === 0) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `--baseline ${WITHOUT_GRANULARITY} belongs to a --model; give one.`,
      );
    } else methods.push(...models.map((one) => named(one, true)));
  }
  return methods.length > 0 ? methods : [named(DEFAULT_MODEL, false)];
}

/** Models to fetch by their files; each is downloaded once, however often it is named. */
async function withFiles(methods: readonly MethodSpec[], signal: AbortSignal): Promise<MethodSpec[]> {
  const local: MethodSpec[] = [];
  for (const method of methods) {
    local.push(
      method.kind === "model" ? { ...method, model: await modelFile(method.model, signal) } : method,
    );
  }
  return local;
}

/** The words of the command line, for the report. */
function argumentsOf({ parent }: Command): readonly string[] {
  // Commander's documentation has it, its types do not.
  return (parent as unknown as { readonly rawArgs: readonly string[] }).rawArgs;
}

function baselines(text: string, earlier: BaselineName[] = []): BaselineName[] {
  const names = text.split(",").map((name) => {
    const known = BASELINE_NAMES.find((one) => one === name.trim());
    if (known) return known;
    throw new InvalidArgumentError(`"${name}" is none of ${BASELINE_NAMES.join(", ")}.`);
  });
  return [...new Set([...earlier, ...names])];
}

function metrics(text: string): Measures {
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if (["all", "none", "clicks", ...OPTIONAL_METRICS].includes(name)) continue;
    throw new InvalidArgumentError(`"${name}" is none of ${OPTIONAL_METRICS.join(", ")}, all, none.`);
  }
  return measuresOf(names);
}

function measuresOf(names: readonly string[]): Measures {
  const has = (name: keyof Measures) => names.includes("all") || names.includes(name);
  return {
    interactive: has("interactive"),
    recall: has("recall"),
    boundary: has("boundary"),
    partition: has("partition"),
  };
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

/** A line per data set and method. */
function describe({ results }: Report, out: string | undefined): string {
  const cells = results.map(({ dataset, method, meanIou, clicks, images, fixedGranularity }) => [
    dataset,
    method,
    `${images}`,
    `${clicks}`,
    `${number(meanIou.fixed)}${fixedGranularity === null ? "" : ` at ${fixedGranularity.toFixed(2)}`}`,
    number(meanIou.auto),
    number(meanIou.oracle),
  ]);
  const columns = ["data set", "method", "images", "clicks", "best fixed", "auto", "oracle"];
  const where = out ? `wrote ${path.join(out, "report.html")}` : "give --out DIR for the whole report";
  return `mean IoU over clicks\n${tableText(columns, cells)}${where}\n`;
}

function number(value: number | null): string {
  return value === null ? "–" : value.toFixed(3);
}

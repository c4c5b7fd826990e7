import path from "node:path";
import { ANNOTATION_FORMATS } from "@unsam/core/annotation-formats";
import { UnSAMError } from "@unsam/core/errors";
import { isModelName } from "@unsam/core/names";
import { Command } from "commander";
import { bound, count, repeatable } from "../arguments.js";
import { suggest } from "../completion/suggestions.js";
import { markRepeatable } from "../defaults/default-flags.js";
import { type SearchFlags, searchOptions, withSearchOptions } from "../everything/search-flags.js";
import { EXIT_FAILED } from "../failure.js";
import { withExamples } from "../help/examples.js";
import { loadModel, type ModelOptions, modelOf } from "../load-model.js";
import { MODEL_WORDS } from "../model-file.js";
import { withModelOptions } from "../prompt-flags.js";
import { type QueueFlags, queuePackage, withQueueOptions } from "../queue/queue-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { print, printResult, tell } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

interface EnqueueFlags extends ModelOptions, SearchFlags, QueueFlags {
  readonly list?: string;
  readonly stdin?: true;
  readonly out: string;
  readonly format?: string[];
  readonly simplify?: number;
  readonly maxPixels?: number;
  readonly attempts?: number;
  readonly names?: true;
  readonly json?: true;
}

export function enqueueCommand({ signal }: Interrupt): Command {
  const command = withQueueOptions(withSearchOptions(withModelOptions(new Command("enqueue"))))
    .description(
      "Put photos into a queue, for unsam work on any number of machines. It is a package of its own: npm i @unsam/queue.",
    )
    .argument("[inputs...]", "photos, folders with all below them, s3://BUCKET/KEY, s3://BUCKET/PREFIX/")
    .option("--list <file>", "a file of such names, one a line")
    .option("--stdin", "the same from standard input")
    .requiredOption("--out <dir>", "a folder that all machines see, or s3://BUCKET/PREFIX")
    .option("--format <suffix>", "repeatable: json (default, the scene), coco.json, yolo.txt …", repeatable)
    .option("--simplify <pixels>", "annotations get outlines that lie so near the exact ones", bound)
    .option("--attempts <n>", "tries of a photo where it may be well later (default 5)", count)
    .option("--names", "print a line of JSON for each photo: its name, and that of its result")
    .option("--json", "print one JSON document to standard output")
    .action((inputs: string[], flags: EnqueueFlags) => enqueuePhotos(inputs, flags, signal));
  suggest(command, "--format", ["json", ...ANNOTATION_FORMATS.map(({ suffixes }) => suffixes[0].slice(1))]);
  markRepeatable(command, "--format");
  return withExamples(command, [
    ["unsam enqueue photos --out results --format coco.json", "a folder, with all below it"],
    [
      "unsam enqueue --stdin --out s3://bucket/results < names.txt",
      "any number of names, results in a store",
    ],
  ]);
}

async function enqueuePhotos(
  inputs: readonly string[],
  flags: EnqueueFlags,
  signal: AbortSignal,
): Promise<void> {
  if (inputs.length === 0 && flags.list === undefined && !flags.stdin) {
    throw new UnSAMError("E_BAD_OPTION", "Name photos or folders, or give --list FILE or --stdin.");
  }
  if (flags.names && flags.json) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      "--names and --json both print to standard output; give one of them.",
    );
  }
  const { enqueue } = await queuePackage("enqueue");
  if (flags.family) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      "Workers of a queue know the package's own model families only; leave --family out.",
    );
  }
  modelOf(flags, []);
  await using unsam = await loadModel(flags, signal);
  const { config, weights, list, simplify, maxPixels, out, run: queue, redis, attempts } = flags;
  const isFile = flags.model !== undefined && !MODEL_WORDS.includes(flags.model) && !isModelName(flags.model);
  const model = {
    model: isFile ? path.resolve(flags.model as string) : (flags.model ?? unsam.model.name),
    config: config && path.resolve(config),
    weights,
  };
  let count = 0;
  const enqueued = await withProgress("Enqueuing", (change) =>
    enqueue({
      ...{ unsam, model, options: searchOptions(flags), formats: flags.format },
      ...{ inputs, list, lines: flags.stdin && process.stdin },
      ...{ simplify, maxPixels, out, queue, redis, attempts, signal },
      onPhoto: (photo, id) => {
        change(`${++count} ${photo}`);
        if (flags.names) return printed(`${JSON.stringify({ photo, id })}\n`);
      },
      onFailure: (photo, error) => tell(`unsam: ${photo}: ${error.message}`),
      onConnection: (sentence) => tell(`unsam: ${sentence}`),
    }),
  );
  if (enqueued.failed > 0) process.exitCode = EXIT_FAILED;
  const { photos, added, known, failed } = enqueued;
  const sentence = `${photos} photos: ${added} put into the queue, ${known} were in it or are the same, ${failed} could not be read`;
  if (flags.names) tell(sentence);
  else
    printResult(
      flags.json ?? false,
      () => enqueued,
      () => `${sentence}\n`,
    );
}

/** A reader that is slow is waited for: a million lines are not held. */
function printed(text: string): Promise<void> | undefined {
  print(text);
  if (process.stdout.writableLength < 2 ** 20) return undefined;
  return new Promise((resolve) => process.stdout.once("drain", resolve));
}

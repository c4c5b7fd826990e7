import { performance } from "node:perf_hooks";
import { writeWhole } from "@unsam/core/whole-file";
import type { Granularity, GranularityLadder, UnSAM } from "@unsam/sdk";
import { Command } from "commander";
import { count, levels } from "../arguments.js";
import { checkWritable } from "../check-writable.js";
import { loadModel } from "../load-model.js";
import { withProgress } from "../progress.js";
import { checkImage, checkPrompt, type PromptFlags, readPrompt, withPromptOptions } from "../prompt-flags.js";
import { segmentReport, shareOf } from "../segment-report.js";

interface LadderFlags extends PromptFlags {
  readonly levels?: number | Granularity[];
  readonly nested?: true;
  readonly tile?: number;
  readonly out?: string;
  readonly json?: true;
}

interface Timing {
  readonly load: number;
  readonly encode: number;
  readonly ladder: number;
}

export function ladderCommand(signal: AbortSignal): Command {
  return withPromptOptions(new Command("ladder"))
    .description("Answer one prompt at every setting of the dial: all scales of what lies there.")
    .option("--levels <n|g,g,…>", "how many settings, evenly from 0.1 to 1 (default 10), or a list", levels)
    .option("--nested", "change masks, as little as possible, so that each lies in the next coarser one")
    .option("--out <file.png>", "write a contact sheet: one tile for each distinct scale, with its range")
    .option("--tile <pixels>", "longest side of a tile, 64 to 2048 (default 360)", count)
    .option("--json", "print one JSON document to standard output")
    .action((image: string, flags: LadderFlags) => ladder(image, flags, signal));
}

async function ladder(image: string, flags: LadderFlags, signal: AbortSignal): Promise<void> {
  checkPrompt(flags);
  if (flags.out) await checkWritable("--out", flags.out, ".png");
  await checkImage(image);
  const prompt = await readPrompt(flags);

  const started = performance.now();
  await using unsam = await loadModel(flags, signal);
  const loaded = performance.now();
  await using encoded = await withProgress(`Encoding ${image}`, () =>
    unsam.encode(image, { signal, maxPixels: flags.maxPixels }),
  );
  const looked = performance.now();
  const { levels, nested } = flags;
  const answer = await withProgress("Segmenting", () => encoded.ladder(prompt, { levels, nested, signal }));
  const timing = { load: loaded - started, encode: looked - loaded, ladder: performance.now() - looked };

  const { tile, out } = flags;
  if (out !== undefined) {
    await writeWhole(out, await withProgress("Drawing", () => answer.toSheet({ tile, signal })));
  }
  const size = { width: encoded.width, height: encoded.height };
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(report(image, size, unsam, answer, flags, timing), null, 2)}\n`
      : describe(image, unsam, answer, flags, timing),
  );
}

/** The document of `--json`; its schema is docs/schemas/ladder.schema.json. */
function report(
  image: string,
  size: { width: number; height: number },
  unsam: UnSAM,
  answer: GranularityLadder,
  flags: LadderFlags,
  { load, encode, ladder }: Timing,
) {
  return {
    image,
    ...size,
    model: unsam.model,
    levels: answer.levels,
    stable: answer.stable.granularity,
    rungs: answer.distinct.map(({ range, levels, segment }) => ({
      range,
      levels,
      segment: segmentReport(segment),
    })),
    nested: answer.nested,
    files: { sheet: flags.out ?? null },
    milliseconds: { load: Math.round(load), encode: Math.round(encode), ladder: Math.round(ladder) },
  };
}

function describe(
  image: string,
  unsam: UnSAM,
  answer: GranularityLadder,
  flags: LadderFlags,
  timing: Timing,
): string {
  const { distinct, stable, nested } = answer;
  const lines = [
    `${image}: ${distinct.length} scales at ${answer.length} settings (${unsam.model.name}; encoding ` +
      `${Math.round(timing.encode)} ms, segmenting ${Math.round(timing.ladder)} ms)`,
  ];
  for (const { range, levels, segment } of distinct) {
    const [from, to] = range.map((granularity) => granularity.toFixed(2));
    const mark = levels.includes(stable.granularity!) ? "*" : " ";
    lines.push(
      `${mark} ${(from === to ? from : `${from} – ${to}`).padEnd(11)}  ${`${segment.mask.area}`.padStart(9)} pixels  ` +
        `${shareOf(segment).padStart(6)}  score ${segment.score.toFixed(3)}`,
    );
  }
  lines.push("* the most persistent scale");
  if (!nested.holds) {
    const worst = (100 * nested.worst).toFixed(1);
    lines.push(
      `not nested between ${nested.violations.length} neighbours, by ${worst} % of the finer mask at worst`,
    );
  }
  lines.push(flags.out ? `wrote ${flags.out}` : "give --out ladder.png to see it");
  return `${lines.join("\n")}\n`;
}

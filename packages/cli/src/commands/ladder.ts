import { writeWhole } from "@unsam/core/files";
import { checkImageFile } from "@unsam/core/image";
import { type Granularity, type GranularityLadder, UnSAMError } from "@unsam/sdk";
import { Command } from "commander";
import { type Answered, answerPrompt } from "../answer-prompt.js";
import { count, levels } from "../arguments.js";
import { checkDistinct, checkWritable } from "../check-writable.js";
import { checkPrompt, type PromptFlags, readPrompt, withPromptOptions } from "../prompt-flags.js";
import { segmentReport, shareOf } from "../segment-report.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

interface LadderFlags extends PromptFlags {
  readonly levels?: number | Granularity[];
  readonly nested?: true;
  readonly tile?: number;
  readonly out?: string;
  readonly json?: true;
}

export function ladderCommand({ signal }: Interrupt): Command {
  return withPromptOptions(new Command("ladder"))
    .description("Answer one prompt at every granularity: all scales of what lies there.")
    .option(
      "--levels <n|g,g,…>",
      "how many granularities, evenly from 0.1 to 1 (default 10), or a list",
      levels,
    )
    .option("--nested", "change masks, as little as possible, so that each lies in the next coarser one")
    .option("--out <file.png>", "write a contact sheet: one tile for each distinct scale, with its range")
    .option("--tile <pixels>", "longest side of a tile, 64 to 2048 (default 360)", count)
    .option("--json", "print one JSON document to standard output")
    .action((image: string, flags: LadderFlags) => ladder(image, flags, signal));
}

async function ladder(image: string, flags: LadderFlags, signal: AbortSignal): Promise<void> {
  checkPrompt(flags);
  if (flags.tile !== undefined && flags.out === undefined) {
    throw new UnSAMError("E_BAD_OPTION", "--tile is of the contact sheet; give --out FILE.png with it.");
  }
  if (flags.out) await checkWritable("--out", flags.out, ".png");
  await checkDistinct([["the photo", image]], [["--out", flags.out]]);
  // A typing error should not cost the seconds that loading takes.
  await checkImageFile(image, signal);
  const prompt = await readPrompt(flags, signal);

  const { levels, nested, tile, out } = flags;
  await answerPrompt(
    image,
    flags,
    signal,
    (encoded) => encoded.ladder(prompt, { levels, nested, signal }),
    async (answered) => {
      if (out !== undefined) {
        await writeWhole(out, await withProgress("Drawing", () => answered.answer.toSheet({ tile, signal })));
      }
      printResult(
        flags.json,
        () => report(image, answered, flags),
        () => describe(image, answered, flags),
      );
    },
  );
}

/** The document of `--json`; its schema is docs/schemas/ladder.schema.json. */
function report(
  image: string,
  { answer, unsam, size, milliseconds: { load, encode, answer: ladder } }: Answered<GranularityLadder>,
  flags: LadderFlags,
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
    milliseconds: { load, encode, ladder },
  };
}

function describe(
  image: string,
  { answer, unsam, milliseconds }: Answered<GranularityLadder>,
  flags: LadderFlags,
): string {
  const { distinct, stable, nested } = answer;
  const lines = [
    `${image}: ${distinct.length} scales at ${answer.length} granularities (${unsam.model.name}; encoding ` +
      `${milliseconds.encode} ms, segmenting ${milliseconds.answer} ms)`,
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

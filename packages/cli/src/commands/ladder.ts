import { UnSAMError } from "@unsam/core/errors";
import type { Granularity, GranularityLadder } from "@unsam/sdk";
import { Command } from "commander";
import { type Answered, answerImages } from "../answer-images.js";
import { count, levels } from "../arguments.js";
import { withExamples } from "../help/examples.js";
import { checkImageFlags, type ImageFlags } from "../images/image-flags.js";
import { nameImages } from "../images/name-images.js";
import {
  checkResultOptions,
  type ResultOption,
  resultFile,
  writeResults,
  wrote,
} from "../outputs/result-files.js";
import { checkPrompt, type PromptFlags, readPrompt, withPromptOptions } from "../prompt-flags.js";
import { segmentReport, shareOf } from "../segment-report.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { withProgress } from "../terminal/progress.js";

interface LadderFlags extends PromptFlags, ImageFlags {
  readonly levels?: number | Granularity[];
  readonly nested?: true;
  readonly tile?: number;
  readonly out?: string;
  readonly json?: true;
}

export function ladderCommand({ signal }: Interrupt): Command {
  const command = withPromptOptions(new Command("ladder"))
    .description("Answer one prompt at every granularity: all scales of what lies there.")
    .option(
      "--levels <n|g,g,…>",
      "how many granularities, evenly from 0.1 to 1 (default 10), or a list",
      levels,
    )
    .option("--nested", "change masks, as little as possible, so that each lies in the next coarser one")
    .option(
      "--out <file.png>",
      "write a contact sheet: a tile for each distinct scale, with its range; of several photos a folder, or a name with {name} in it",
    )
    .option("--tile <pixels>", "longest side of a tile, 64 to 2048 (default 360)", count)
    .option("--json", "print one JSON document to standard output")
    .action((images: string[], flags: LadderFlags) => ladder(images, flags, signal));
  return withExamples(command, [
    ["unsam ladder street.jpg --point 412,300 --out ladder.png", "a contact sheet of all scales"],
    [
      "unsam ladder street.jpg --point 412,300 --levels 0.1,0.4,coarse --json",
      "three granularities, for programs",
    ],
  ]);
}

async function ladder(given: string[], flags: LadderFlags, signal: AbortSignal): Promise<void> {
  checkPrompt(flags);
  checkImageFlags(flags);
  if (flags.tile !== undefined && flags.out === undefined) {
    throw new UnSAMError("E_BAD_OPTION", "--tile is of the contact sheet; give --out FILE.png with it.");
  }
  const images = await nameImages(given, flags, signal);
  const { levels, nested, tile, out } = flags;
  const sheet: ResultOption = { flag: "--out", given: out, extension: ".png", suffix: ".ladder.png" };
  await checkResultOptions([sheet], images, flags.json);
  const prompt = await readPrompt(flags, signal);

  const { areSeveral } = images;
  const fileOf = ({ source }: Answered<GranularityLadder>) => resultFile(sheet, source, areSeveral);
  await answerImages<GranularityLadder>(images, {
    flags,
    options: [sheet],
    signal,
    ask: (encoded) => encoded.ladder(prompt, { levels, nested, signal }),
    write: async (answered) => {
      const file = fileOf(answered);
      if (file === null) return;
      const draw = () => answered.answer.toSheet({ tile, signal });
      // Of several photos, the row of the batch tells how far it is.
      const content = areSeveral ? await draw() : await withProgress("Drawing", draw);
      await writeResults([[file, content]], areSeveral);
    },
    report: (answered) => report(answered, fileOf(answered)),
    describe: (answered) => describe(answered, fileOf(answered), areSeveral),
  });
}

/** The document of `--json`; its schema is docs/schemas/ladder.schema.json. */
function report(
  {
    source,
    answer,
    unsam,
    size,
    milliseconds: { load, encode, answer: ladder },
  }: Answered<GranularityLadder>,
  sheet: string | null,
) {
  return {
    image: source.given,
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
    files: { sheet },
    milliseconds: { load, encode, ladder },
  };
}

function describe(
  { source, answer, unsam, milliseconds }: Answered<GranularityLadder>,
  sheet: string | null,
  areSeveral: boolean,
): string {
  const { distinct, stable, nested } = answer;
  const lines = [
    `${source.given}: ${distinct.length} scales at ${answer.length} granularities (${unsam.model.name}; encoding ` +
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
  if (sheet !== null) lines.push(wrote(sheet));
  else if (!areSeveral) lines.push("give --out ladder.png to see it");
  return `${lines.join("\n")}\n`;
}

#!/usr/bin/env node
import { UnSAMError } from "@unsam/core/errors";
import { openModel } from "@unsam/core/families";
import { openClips } from "../datasets/clips/open-clips.js";
import type { SequenceStatistics } from "../metrics/sequence-statistics.js";
import { type Asked, runMain } from "../run-main.js";
import { evaluateClips } from "./evaluate-clips.js";

const USAGE = `Scores objects followed through annotated videos, as DAVIS does: J, F and their mean, from the first frame's mask.

  npm run eval:videos -- DIR [--model NAME|FILE] [--json]

  DIR       JPEGImages/480p and Annotations/480p (DAVIS), or JPEGImages_24fps and Annotations_6fps (SA-V)
  --model   built-in model, a name to fetch, or a checkpoint (default: nano)
  --json    one JSON document on standard output, with each object
`;

const FLAGS = {
  model: { type: "string", default: "nano" },
  json: { type: "boolean", default: false },
} as const;

async function main({ values, positionals }: Asked<typeof FLAGS>): Promise<void> {
  if (positionals.length !== 1)
    throw new UnSAMError("E_BAD_OPTION", `Give one folder of videos.\n\n${USAGE}`);
  const clips = await openClips(positionals[0]);
  const isFile = /\.(pt|pth|safetensors|json)$/i.test(values.model);
  const engine = await openModel(isFile ? { checkpoint: values.model } : values.model);
  try {
    const report = await evaluateClips(engine, clips, {
      onClip: (name) => process.stderr.write(`${name}\n`),
    });
    const line = (name: string, { mean, recall, decay }: SequenceStatistics) =>
      `| ${name} | ${mean.toFixed(3)} | ${recall.toFixed(3)} | ${decay.toFixed(3)} |\n`;
    const table =
      `J&F ${report.JandF.toFixed(3)} over ${report.objects.length} objects of ${clips.length} videos\n\n` +
      `| | mean | recall | decay |\n| --- | --- | --- | --- |\n${line("J", report.J)}${line("F", report.F)}`;
    process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : table);
  } finally {
    await engine.dispose();
  }
}

runMain(USAGE, FLAGS, main);

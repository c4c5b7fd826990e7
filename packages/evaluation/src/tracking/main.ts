#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { UnSAMError } from "@unsam/core/errors";
import { openModel } from "@unsam/core/families";
import type { RgbImage } from "@unsam/core/image";
import { openDatasets } from "../datasets/open-datasets.js";
import { type Asked, runMain, wholeNumber } from "../run-main.js";
import { cutOutOf } from "./cut-outs.js";
import { CLIP_KINDS, type ClipKind, type CutOut, MadeClip } from "./made-clip.js";
import { type ClipScores, scoreClip } from "./measure.js";

const USAGE = `Follows objects through made clips: things that people outlined in photos, moving over other photos.
Mean J over all frames after the first, whose mask is given.

  npm run bench:tracking -- [--data DIR] [--model NAME] [--clips N] [--frames N] [--half first|second] [--json]

  --data DIR   a data set, photos with label maps (default: ../shared/data/eval/bsds500 beside this repository)
  --model      built-in model (default: region-tree)
  --clips N    clips of each kind (default 4)
  --frames N   frames of a clip (default 16)
  --half       which photos: every other one from the first, which the tracker was tuned on, or from the second (default)
  --json       one JSON document on standard output
`;
const DATA = fileURLToPath(new URL("../../../../../shared/data/eval/bsds500", import.meta.url));
const SIZE = { width: 320, height: 240 } as const;

const FLAGS = {
  data: { type: "string", default: DATA },
  model: { type: "string", default: "region-tree" },
  clips: { type: "string", default: "4" },
  frames: { type: "string", default: "16" },
  half: { type: "string", default: "second" },
  json: { type: "boolean", default: false },
} as const;

async function main({ values, positionals }: Asked<typeof FLAGS>): Promise<void> {
  if (positionals.length > 0) {
    throw new UnSAMError("E_BAD_OPTION", `${positionals[0]} is not an option; see --help.`);
  }
  if (values.half !== "first" && values.half !== "second") {
    throw new UnSAMError("E_BAD_OPTION", `--half is ${values.half}; give first or second.`);
  }
  const photos = await photosOf(values.data, values.half === "first" ? 0 : 1);
  const engine = await openModel(values.model);
  const clips = wholeNumber("--clips", values.clips);
  const frames = wholeNumber("--frames", values.frames);
  const scores = new Map<ClipKind, ClipScores[]>();
  try {
    let seed = 0;
    for (const kind of CLIP_KINDS) {
      scores.set(kind, []);
      for (let i = 0; i < clips; i++) {
        const clip = new MadeClip(partsOf(photos, seed++), { kind, seed, frames, ...SIZE });
        scores.get(kind)!.push(await scoreClip(engine, clip));
        if (process.stderr.isTTY) process.stderr.write(`\r${kind}: ${i + 1} of ${clips}\x1b[K`);
      }
    }
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  } finally {
    await engine.dispose();
  }
  process.stdout.write(
    values.json ? `${JSON.stringify(Object.fromEntries(scores), null, 2)}\n` : table(values.model, scores),
  );
}

interface Photos {
  readonly all: readonly RgbImage[];
  readonly objects: readonly CutOut[];
}

/** Every other photo of a data set, and what can be cut out of them. */
async function photosOf(data: string, half: 0 | 1): Promise<Photos> {
  const all: RgbImage[] = [];
  const objects: CutOut[] = [];
  for (const dataset of await openDatasets(data)) {
    for (const image of dataset.images.filter((_, i) => i % 2 === half)) {
      const { photo, object } = await cutOutOf(image, dataset);
      all.push(photo);
      if (object) objects.push(object);
    }
  }
  if (all.length < 2 || objects.length === 0) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `--data ${data} has ${all.length} photos in this half and ${objects.length} things to cut out; give a larger set.`,
    );
  }
  return { all, objects };
}

/** Which photos a clip is made of: an object, and two photos that are not its own. */
function partsOf({ all, objects }: Photos, clip: number) {
  const object = objects[clip % objects.length];
  const others = all.filter((photo) => photo !== object.photo);
  return {
    object,
    background: others[(7 * clip + 3) % others.length],
    occluder: others[(11 * clip + 5) % others.length],
  };
}

function table(model: string, scores: ReadonlyMap<ClipKind, readonly ClipScores[]>): string {
  const rows = [...scores, ["all", [...scores.values()].flat()] as [string, ClipScores[]]].map(
    ([kind, clips]) => {
      const mean = (of: (clip: ClipScores) => number) =>
        (clips.map(of).reduce((sum, value) => sum + value, 0) / clips.length).toFixed(3);
      return `| ${kind} | ${mean(({ keep }) => keep)} | ${mean(({ flow }) => flow)} | ${mean(({ tracker }) => tracker)} |\n`;
    },
  );
  return `| mean J | keep the mask | flow only | ${model} |\n| --- | --- | --- | --- |\n${rows.join("")}`;
}

runMain(USAGE, FLAGS, main);

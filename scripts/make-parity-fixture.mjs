// Derives packages/core/fixtures/unsamv2-mini from the full parity set beside the repository, so that a clone that
// stands alone can prove the numbers too. Run: node scripts/make-parity-fixture.mjs [PARITY_FOLDER]
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../", import.meta.url));
const parity = path.resolve(process.argv[2] ?? path.join(repository, "../shared/parity"));
const source = path.join(parity, "unsamv2-mini");
const target = path.join(repository, "packages/core/fixtures/unsamv2-mini");

// One case of each kind: clicks at three granularities, multimask, no granularity, negative and ignored points, many
// points, boxes, box with points, mask prompts with and without points, batches.
const kept = new Set([
  "i0-click-g010",
  "i0-click-g050",
  "i0-click-g100",
  "i0-click-g050-multi",
  "i0-click-nogran",
  "i0-click-negative",
  "i0-points-11",
  "i0-points-ignored-label",
  "i0-box",
  "i0-box-points",
  "i0-mask-click",
  "i0-mask-only",
  "i0-batch8-granularity",
  "i0-batch3-2points",
  "i0-batch2-masks",
]);

await rm(target, { recursive: true, force: true });
await mkdir(path.join(target, "features"), { recursive: true });
await mkdir(path.join(target, "cases"));

const prompts = JSON.parse(await readFile(path.join(source, "prompts.json"), "utf8"));
const copies = ["config.json"];
// The photo stays out, and so does `input`, which is the photo at network size.
const { input, file, ...image } = prompts.images.find(({ id }) => id === "img0");
for (const value of Object.values(image)) if (value.file) copies.push(value.file);
const cases = prompts.cases.filter(({ id }) => kept.has(id));
if (cases.length !== kept.size) throw new Error("a case is missing from prompts.json");
for (const one of cases) {
  delete one.expected.low_res_logits_clamped;
  if (one.mask_input) copies.push(one.mask_input.file);
  for (const arrays of Object.values(one.expected)) {
    for (const array of [arrays].flat()) copies.push(array.file);
  }
}
for (const name of new Set(copies)) await copyFile(path.join(source, name), path.join(target, name));
await copyFile(
  path.join(parity, "unsamv2-mini-safetensors/checkpoint.safetensors"),
  path.join(target, "checkpoint.safetensors"),
);
const trimmed = { ...prompts, checkpoint: "checkpoint.safetensors", images: [image], cases, stages: {} };
await writeFile(path.join(target, "prompts.json"), `${JSON.stringify(trimmed, null, 1)}\n`);
await writeFile(
  path.join(target, "README.md"),
  `# Parity fixture

What the official PyTorch code of UnSAMv2 computes for a small, randomly initialised network of its exact structure:
weights (the values mean nothing), the encoder's features of one photo, and ${cases.length} prompts with the expected low-resolution
logits, predicted IoU, object score and full-size masks. The arrays are \`.npy\` (float32), the masks 8-bit PNG; shapes and
prompts are in \`prompts.json\`.

Derived by \`scripts/make-parity-fixture.mjs\` from the full set of reference data, which tests use where it lies beside
the repository. The photo (321 × 481, from the BSDS500 test set) is not here.
`,
);

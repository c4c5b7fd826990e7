import { existsSync } from "node:fs";
import path from "node:path";
import { defineConfig } from "vitest/config";

const wanted = process.env.UNSAM_TEST_NODE;
if (wanted && wanted !== process.versions.node) {
  throw new Error(`The tests were to run on Node ${wanted}, but this is ${process.versions.node}.`);
}

/** They promise times, which a test beside them would take away. */
const ALONE = ["concurrency", "interrupt", "responsiveness", "terminal", "under-load"].map(
  (name) => `test/**/${name}.test.ts`,
);

/**
 * The slow suites of each package: they compare numbers (native with ONNX Runtime or TypeScript, whole evaluations), or what a
 * process writes. Nothing in them depends on the version of Node, so `npm run test:nodes -- --quick` runs them on the first alone.
 */
const ONCE: Readonly<Record<string, readonly string[]>> = {
  core: [
    "checkpoint/fuzz",
    "decoder/mask-decoders",
    "decoder/onnx-decoder-kernel",
    "decoder/other-sizes",
    "families/nano-networks",
    "region-tree/photos",
  ],
  sdk: [
    "calibration",
    "ladder",
    "memory",
    "options",
    "scene/nested-logits",
    "telemetry",
    "without-onnxruntime",
  ],
  evaluation: ["region-tree/evaluate", "run/evaluate"],
  cli: ["eval", "train"],
};
const skipped =
  process.env.UNSAM_TEST_ONCE === "skip"
    ? (ONCE[path.basename(process.cwd())] ?? []).map((name) => `test/${name}.test.ts`)
    : [];
for (const file of skipped) {
  if (!existsSync(file)) throw new Error(`vitest.config.ts names ${file}, which is not there.`);
}

// Tests import the built packages (`#core/…` points into `dist`), so they prove what is shipped, worker threads included.
// Node itself loads them, as it does for users; Vitest would transform each file again for each test file.
export default defineConfig({
  test: {
    pool: "forks",
    server: { deps: { external: [/packages\/[\w-]+\/dist\//] } },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: "side by side",
          include: ["test/**/*.test.ts"],
          exclude: [...ALONE, ...skipped],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});

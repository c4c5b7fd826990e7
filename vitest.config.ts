import { existsSync } from "node:fs";
import path from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const wanted = process.env.UNSAM_TEST_NODE;
if (wanted && wanted !== process.versions.node) {
  throw new Error(`The tests were to run on Node ${wanted}, but this is ${process.versions.node}.`);
}

/**
 * They promise times, which a test beside them would take away, or count what runs in their process, where the files before them
 * may have left an image for the garbage collector to end.
 */
const ALONE = ["click-path", "concurrency", "interrupt", "responsiveness", "terminal", "under-load"].map(
  (name) => `test/**/${name}.test.ts`,
);

/**
 * The slow suites of each package: they compare numbers (native with ONNX Runtime or TypeScript, whole evaluations), or what a
 * process writes. Nothing in them depends on the version of Node, so on a slow machine CI runs them on the first alone.
 */
const ONCE: Readonly<Record<string, readonly string[]>> = {
  core: [
    "checkpoint/fuzz",
    "decoder/mask-decoders",
    "decoder/onnx-decoder-kernel",
    "decoder/other-sizes",
    "families/nano-networks",
    "region-tree/photos",
    "video/sessions",
    "video-files/video-file",
  ],
  sdk: [
    "calibrated-network",
    "calibration",
    "ladder",
    "memory",
    "options/answers",
    "options/load",
    "options/unknown-keys",
    "scene/nested-logits",
    "telemetry",
    "tiles/memory",
    "tiles/tiled",
    "video/video-files",
    "without-onnxruntime",
  ],
  evaluation: ["region-tree/evaluate", "run/evaluate"],
  cli: ["eval", "help", "train"],
};
/** Rooms of core that only compute: no threads, no files, no network. They are left out as the slow suites are. */
const COMPUTING: Readonly<Record<string, readonly string[]>> = {
  core: "annotations checkpoint decoder fusion georeference graph mask models npy outline region-tree tiles video whole-image".split(
    " ",
  ),
};

const slow = (ONCE[path.basename(process.cwd())] ?? []).map((name) => `test/${name}.test.ts`);
const rooms = (COMPUTING[path.basename(process.cwd())] ?? []).map((room) => `test/${room}`);
for (const place of [...slow, ...rooms]) {
  if (!existsSync(place)) throw new Error(`vitest.config.ts names ${place}, which is not there.`);
}
const skipped = process.env.UNSAM_TEST_ONCE === "skip" ? [...slow, ...rooms.map((room) => `${room}/**`)] : [];

/** The slow suites first, so that none is alone at the end. Vitest knows which they are once it has run them; a fresh clone does not. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => slow.some((file) => moduleId.endsWith(`/${file}`));
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

// Tests import the built packages (`#core/…` points into `dist`), so they prove what is shipped, worker threads included.
// Node itself loads them, as it does for users; Vitest would transform each file again for each test file.
export default defineConfig({
  test: {
    pool: "forks",
    sequence: { sequencer: SlowFirst },
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
          // Files share a process, and the packages that it has loaded: a test changes nothing for the ones after it.
          isolate: false,
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

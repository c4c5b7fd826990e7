import { defineConfig } from "vitest/config";

const wanted = process.env.UNSAM_TEST_NODE;
if (wanted && wanted !== process.versions.node) {
  throw new Error(`The tests were to run on Node ${wanted}, but this is ${process.versions.node}.`);
}

/** They promise times, which a test beside them would take away. */
const ALONE = ["concurrency", "interrupt", "responsiveness", "terminal", "under-load"].map(
  (name) => `test/**/${name}.test.ts`,
);

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
          exclude: ALONE,
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

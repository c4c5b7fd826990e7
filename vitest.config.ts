import { defineConfig } from "vitest/config";

const wanted = process.env.UNSAM_TEST_NODE;
if (wanted && wanted !== process.versions.node) {
  throw new Error(`The tests were to run on Node ${wanted}, but this is ${process.versions.node}.`);
}

// Tests import the built packages (`#core/…` points into `dist`), so they prove what is shipped, worker threads included.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});

import { defineConfig } from "vitest/config";

// Tests import the built packages (`#core/…` points into `dist`), so they prove what is shipped, worker threads included.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

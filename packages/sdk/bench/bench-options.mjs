import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

/** Options of a benchmark of models, as strings: --size, --model, --config, --threads, --runs, and `more` with their defaults. */
export function benchOptions({ runs, ...more }) {
  const own = Object.entries(more).map(([name, value]) => [name, { type: "string", default: value }]);
  const { values } = parseArgs({
    options: {
      size: { type: "string", default: "small" },
      model: { type: "string" },
      config: { type: "string" },
      threads: { type: "string", default: `${availableParallelism()}` },
      runs: { type: "string", default: runs },
      ...Object.fromEntries(own),
    },
  });
  return values;
}

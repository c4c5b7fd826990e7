#!/usr/bin/env node
import { nodeProblem } from "@unsam/core/node-version";

// The command's own modules and their dependencies cannot even be parsed by an older Node, so they come after the question.
const problem = nodeProblem(process.versions.node);
if (problem === null) await import("./main.js");
else {
  process.stderr.write(`unsam: ${problem}\n`);
  process.exitCode = 1; // EXIT_FAILED of failure.ts, which cannot be imported here
}

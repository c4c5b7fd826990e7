#!/usr/bin/env node
// Plain JavaScript and in git, so that npm can link the command when it installs a clone, before anything is built.
import { existsSync } from "node:fs";

const start = new URL("../dist/start.js", import.meta.url);
if (existsSync(start)) await import(start.href);
else {
  process.stderr.write("unsam: this clone has not been built yet; run `npm run setup` in it once.\n");
  process.exitCode = 1;
}

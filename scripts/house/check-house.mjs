// `npm run lint` beside Biome: what CONTRIBUTING says of files, functions and imports holds for every source of the repository.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { importProblems } from "./import-problems.mjs";
import { sizeProblems } from "./size-problems.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && existsSync(path.join(root, file)));

const problems = [...sizeProblems(root, files), ...importProblems(root, files)];
for (const problem of problems) console.error(problem);
console.log(
  `${files.length} files: ${problems.length === 0 ? "no" : problems.length} problems of size or import`,
);
process.exitCode = problems.length > 0 ? 1 : 0;

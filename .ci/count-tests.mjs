// Adds up the closing lines that Vitest prints for each package: `Tests  3 passed | 1 failed (4)`.
import { readFileSync } from "node:fs";

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
const text = readFileSync(process.argv[2], "utf8").replace(escapes, "");
const total = (word) =>
  [...text.matchAll(/^.*\bTests\s+(.*)$/gm)].reduce(
    (sum, [, line]) => sum + Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0),
    0,
  );
console.log(total("passed"), total("failed"));

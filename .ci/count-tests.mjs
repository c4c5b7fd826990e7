// Prints "PASSED FAILED", added up over the closing lines of a test runner in a log: count-tests.mjs RUNNER LOG.
import { readFileSync } from "node:fs";

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
const [runner, file] = process.argv.slice(2);
const text = readFileSync(file, "utf8").replace(escapes, "");

/** Vitest, once a package: `Tests  1 failed | 3 passed (4)`. */
function vitest() {
  const total = (word) =>
    [...text.matchAll(/^.*\bTests\s+(.*)$/gm)].reduce(
      (sum, [, line]) => sum + Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0),
      0,
    );
  return [total("passed"), total("failed")];
}

/** CTest: `100% tests passed, 0 tests failed out of 12`. */
function ctest() {
  const [, failed, all] = /(\d+) tests? failed out of (\d+)/.exec(text) ?? [0, 0, 0];
  return [all - failed, Number(failed)];
}

/** pytest: `1 failed, 22 passed, 3 skipped in 9.12s`; errors of fixtures and collection count as failed. */
function pytest() {
  const closing = [...text.matchAll(/^=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s/gm)].map(([, counts]) => counts);
  const total = (...words) =>
    closing.reduce(
      (sum, counts) =>
        sum +
        words.reduce((all, word) => all + Number(new RegExp(`(\\d+) ${word}`).exec(counts)?.[1] ?? 0), 0),
      0,
    );
  return [total("passed"), total("failed", "error")];
}

console.log(...{ vitest, ctest, pytest }[runner]());

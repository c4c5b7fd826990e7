// What the documents of the repository tell a reader to run: commands and snippets in their order.
import { readFileSync } from "node:fs";
import path from "node:path";

const MARK = /<!-- not run, (.+?): (.+?) -->\n+ *$/;
const COMMAND = /^(npx|npm|node|unsam|cp|cd|\(cd|\.ci\/run)\b|^\(cd /;

const SKETCH = /<!-- a sketch, [^\n]+ -->\n+ *$/;

/**
 * Fenced blocks of a Markdown file, also those within lists. A comment before a block, `<!-- not run, REASON: all -->` or
 * `…: npm test; npm i -->`, names what cannot run in a fresh clone; it is only checked. `<!-- a sketch, REASON -->`: parts of it
 * are left out, so that it does not even compile.
 */
export function readBlocks(root, file) {
  const text = readFileSync(path.join(root, file), "utf8");
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```/gm)].map(
    ({ 0: fence, 1: indent, 2: language, 3: body, index }) => {
      const mark = MARK.exec(text.slice(0, index));
      const line = text.slice(0, index).split("\n").length;
      return {
        where: `${file}:${line}`,
        language,
        body: body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
        sketch: SKETCH.test(text.slice(0, index)),
        marked: mark ? mark[2].split(";").map((one) => one.trim()) : [],
        fence,
      };
    },
  );
}

/** Commands of blocks without a language, comments cut off, continued lines joined. */
export function commandsOf({ where, language, body, marked }) {
  if (language !== "" && language !== "sh") return [];
  const lines = body
    .replace(/\\\n\s*/g, "")
    .replace(/\n {6,}/g, " ")
    .split("\n");
  return lines
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter((line) => COMMAND.test(line))
    .map((command) => ({
      where,
      command,
      /** A list of what can be written, not a command. */
      synopsis: /\[--|…/.test(command),
      runs: !marked.some((one) => one === "all" || command.startsWith(one)),
    }));
}

/** A block of code that is compiled, and run unless it is marked; null: it is none. */
export function snippetOf({ where, language, body, marked, sketch }) {
  if (sketch || (language !== "ts" && language !== "js")) return null;
  return { where, language, body, runs: language === "ts" && !marked.includes("all") };
}

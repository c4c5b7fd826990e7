// No file above 400 lines, no function above 80. Groups of tests (`describe`) are no functions; a CUDA kernel may be longer where a
// comment of its file says why.
import { readFileSync } from "node:fs";
import path from "node:path";

const WRITTEN = /\.(ts|tsx|mts|mjs|js|cpp|h|cu|py|css|sh)$|^native\/scripts\/|^\.ci\/run$/;
const MOST_LINES = 400;
const MOST_FUNCTION_LINES = 80;

export function sizeProblems(root, files) {
  return files
    .filter((file) => WRITTEN.test(file) && !file.includes("/fixtures/"))
    .flatMap((file) => {
      const text = readFileSync(path.join(root, file), "utf8");
      const lines = text.split("\n").length - 1;
      const long =
        lines > MOST_LINES ? [`${file} has ${lines} lines; split it by job (at most ${MOST_LINES}).`] : [];
      return [
        ...long,
        ...functionsOf(file, text)
          .filter(({ length }) => length > MOST_FUNCTION_LINES)
          .map(
            ({ line, length }) =>
              `${file}:${line} begins a function of ${length} lines (at most ${MOST_FUNCTION_LINES}).`,
          ),
      ];
    });
}

function functionsOf(file, text) {
  if (/\.(cpp|h|cu)$/.test(file)) return functionsByBraces(text);
  if (file.endsWith(".py")) return functionsByIndent(text, /^\s*(async )?def /, () => true);
  // Biome formats them: a function ends at the first brace as far left as its beginning.
  if (/\.(ts|tsx|mts|mjs|js)$/.test(file)) return functionsByIndent(text, /[^=?:] \{$/, isFunction);
  return [];
}

const OTHER_BLOCK =
  /^\s*(\}|if\b|for\b|while\b|switch\b|else\b|do\b|try\b|(export )?(default )?(abstract )?(class|interface|enum|namespace|declare)\b|describe|return [{(])/;

function isFunction(begin, outer, inner) {
  const isGroup = /^\s*describe/.test(inner) || (/^\s*(async )?\(/.test(begin) && /^\s*describe/.test(outer));
  return !OTHER_BLOCK.test(begin) && /\)|=>/.test(begin) && !isGroup;
}

/** Functions that begin with a line like `opening` and end before the indentation falls back to theirs. */
function functionsByIndent(text, opening, accept) {
  const lines = text.split("\n");
  const indent = (line) => line.length - line.trimStart().length;
  const found = [];
  lines.forEach((line, at) => {
    if (!opening.test(line)) return;
    let first = at;
    // A signature of several lines.
    if (/^\s*\)/.test(line))
      while (first > 0 && (indent(lines[first]) !== indent(line) || /^\s*\)/.test(lines[first]))) first--;
    const outer = lines
      .slice(0, first)
      .findLast((before) => before.trim() !== "" && indent(before) < indent(lines[first]));
    const inner = lines.slice(at + 1).find((after) => !/^\s*(\/\/|$)/.test(after));
    if (!accept(lines.slice(first, at + 1).join(" "), outer ?? "", inner ?? "")) return;
    let end = at + 1;
    while (
      end < lines.length &&
      (lines[end].trim() === "" || indent(lines[end]) > indent(line) || /^\s*\)/.test(lines[end]))
    )
      end++;
    while (lines[end - 1].trim() === "") end--;
    found.push({ line: first + 1, length: end - first + (/^\s*\}/.test(lines[end] ?? "") ? 1 : 0) });
  });
  return found;
}

/** C++: a block is a function where a parameter list stands before its brace. */
function functionsByBraces(text) {
  const code = withoutTexts(text);
  const found = [];
  const open = [];
  let head = 0;
  let line = 1;
  for (let i = 0; i < code.length; i++) {
    if (code[i] === "\n") line++;
    if (code[i] === "{") {
      const before = code.slice(head, i).trim();
      open.push({ isFunction: isCppFunction(before, text), line: line - before.split("\n").length + 1 });
    }
    if (code[i] === "}") {
      const { isFunction, line: first } = open.pop() ?? {};
      if (isFunction) found.push({ line: first, length: line - first + 1 });
    }
    if (/[{};]/.test(code[i])) head = i + 1;
  }
  return found;
}

function isCppFunction(before, text) {
  if (/^(if|for|while|switch|else|do|namespace|class|struct|enum|return|union|extern)\b/.test(before))
    return false;
  if (/__global__/.test(before) && /\/\/.*\b(long|longer)\b/.test(text)) return false;
  return before.includes("(") && /(\)|const|noexcept|override|mutable|->\s*[\w:<>,& ]+)$/.test(before);
}

/** C++ without comments, strings, characters and directives, lines as they were. */
function withoutTexts(text) {
  const blank = (found) => found.replace(/[^\n]/g, " ");
  return text.replace(
    /\/\/.*|\/\*[\s\S]*?\*\/|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])'|^[ \t]*#(.*\\\n)*.*/gm,
    blank,
  );
}

// Which file imports which, in the sources of the packages and of the native library.
import { readFileSync } from "node:fs";
import path from "node:path";

const TYPESCRIPT = /^packages\/[\w-]+\/(src|page|bin)\/.*\.(ts|tsx|js)$/;
const NATIVE = /^native\/(src|include)\/.*\.(cpp|h|cu)$/;
const IMPORT = /\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g;
const INCLUDE = /^\s*#include "([^"]+)"/gm;

/** Pairs of files: [importer, imported]; a package by its folder. Types count as well: who reads them needs both files. */
export function readImports(root, files) {
  const known = new Set(files);
  const pairs = [];
  for (const file of files) {
    const found = TYPESCRIPT.test(file) ? typescriptNames : NATIVE.test(file) ? nativeNames : null;
    if (!found) continue;
    const text = readFileSync(path.join(root, file), "utf8");
    for (const names of found(file, text)) {
      const imported = names.find((name) => known.has(name) || /^packages\/[\w-]+$/.test(name));
      if (imported && imported !== packageOf(file)) pairs.push([file, imported]);
    }
  }
  return pairs;
}

export const packageOf = (file) => file.split("/", 2).join("/");

/** For each import the files that it may mean. */
function typescriptNames(file, text) {
  return [...text.matchAll(IMPORT)].map(([, name]) => {
    if (!name.startsWith(".")) {
      const found = /^(?:@unsam\/)?([\w-]+)/.exec(name);
      return name.startsWith("@unsam/") || name === "unsam" ? [`packages/${found[1]}`] : [];
    }
    const place = path.posix.join(path.posix.dirname(file), name);
    return [place, place.replace(/\.js$/, ".ts"), place.replace(/\.js$/, ".tsx")];
  });
}

function nativeNames(file, text) {
  return [...text.matchAll(INCLUDE)].map(([, name]) =>
    [path.posix.dirname(file), "native/src", "native/include"].map((base) => path.posix.join(base, name)),
  );
}

// Imports form no circle, neither of files nor of rooms, and point downward in the map of the README.
import { readFileSync } from "node:fs";
import path from "node:path";
import { packageOf, readImports } from "./read-imports.mjs";

export function importProblems(root, files) {
  const pairs = readImports(root, files);
  const map = readMap(readFileSync(path.join(root, "README.md"), "utf8"));
  const rooms = pairs.map(([from, to]) => [roomOf(from), roomOf(to)]).filter(([from, to]) => from !== to);
  return [
    ...circles(pairs).map((circle) => `These files import each other in a circle: ${circle.join(", ")}.`),
    ...circles(rooms).map((circle) => `These rooms import each other in a circle: ${circle.join(", ")}.`),
    ...new Set(pairs.flatMap(([from, to]) => upward(map, from, to))),
    ...unmapped(map, files),
  ];
}

/** A folder directly below the sources of a package or of the native library; a file there is a room of its own. */
function roomOf(file) {
  const parts = file.split("/");
  const isNative = parts[0] === "native";
  return parts.slice(0, isNative ? 3 : 4).join("/");
}

/** Packages, rooms of core and rooms of the native library, each from top to bottom. */
function readMap(readme) {
  const map = { packages: [], core: [], native: [] };
  let list = null;
  const drawn = /## Map of the repository\n[^`]*(?:`[^`\n]+`[^`]*)*?```\n([\s\S]*?)\n```/.exec(readme)[1];
  for (const line of drawn.split("\n")) {
    const [folder] = line.split(" ", 1);
    if (folder) {
      list = folder === "packages/core" ? map.core : folder === "native/src" ? map.native : null;
      if (folder.startsWith("packages/")) map.packages.push(folder);
    } else {
      const [names] = /^( *[\w<>-]+\/[\w<>/-]*)+/.exec(line) ?? [""];
      const rooms = names.split(" ").filter(Boolean);
      const base = list === map.core ? "packages/core/src" : "native/src";
      list?.push(...rooms.map((room) => `${base}/${room.split("/", 1)[0]}`));
    }
  }
  return map;
}

/** What is wrong with one import, as the map says. */
function upward(map, from, to) {
  const places = [
    [map.packages, packageOf(from), packageOf(to)],
    [map.core, roomOf(from), roomOf(to)],
    [map.native, roomOf(from), roomOf(to)],
  ];
  return places
    .filter(([list, above, below]) => above !== below && list.includes(above) && list.includes(below))
    .filter(([list, above, below]) => list.indexOf(above) > list.indexOf(below))
    .map(
      ([, above, below]) =>
        `${above} imports ${below}, which stands above it in the map of the README (${from}).`,
    );
}

function unmapped(map, files) {
  const rooms = new Set(files.filter((file) => file.startsWith("packages/core/src/")).map(roomOf));
  const folders = [...rooms].filter((room) => !room.endsWith(".ts"));
  const packages = new Set(files.filter((file) => file.startsWith("packages/")).map(packageOf));
  return [
    ...folders.filter((room) => !map.core.includes(room)),
    ...[...packages].filter((one) => !map.packages.includes(one)),
  ].map((one) => `${one} is not in the map of the README.`);
}

/** Those that import each other, by whatever way (Tarjan's strongly connected components). */
function circles(pairs) {
  const next = new Map();
  for (const [from, to] of pairs) next.set(from, [...(next.get(from) ?? []), to]);
  const order = new Map();
  const lowest = new Map();
  const open = [];
  const found = [];
  const visit = (node) => {
    order.set(node, order.size);
    lowest.set(node, order.get(node));
    open.push(node);
    for (const other of next.get(node) ?? []) {
      if (!order.has(other)) visit(other);
      if (open.includes(other)) lowest.set(node, Math.min(lowest.get(node), lowest.get(other)));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const knot = open.splice(open.indexOf(node));
    if (knot.length > 1) found.push(knot);
  };
  for (const node of next.keys()) if (!order.has(node)) visit(node);
  return found;
}

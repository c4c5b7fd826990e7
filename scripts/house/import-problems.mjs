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

/** Below which folder a package of the map has rooms. */
const ROOMS = new Map([
  ["packages/core", "packages/core/src"],
  ["native/src", "native/src"],
]);

/** Packages, rooms of core and rooms of the native library, from top to bottom. Throws where the README draws no map. */
function readMap(readme) {
  const [, drawn] = /^## Map of the repository$[\s\S]*?^```$([\s\S]*?)^```$/m.exec(readme) ?? [];
  if (drawn === undefined) {
    throw new Error('README.md draws no map in a block of code below "## Map of the repository".');
  }
  const map = [];
  let base;
  for (const line of drawn.split("\n")) {
    const [folder] = line.split(" ", 1);
    if (folder) {
      base = ROOMS.get(folder);
      map.push(folder);
    } else if (base) {
      const [names] = /^( *[\w<>-]+\/[\w<>/-]*)+/.exec(line) ?? [""];
      const rooms = names.split(" ").filter(Boolean);
      map.push(...rooms.map((room) => `${base}/${room.split("/", 1)[0]}`));
    }
  }
  return map;
}

/** What is wrong with one import, as the map says. */
function upward(map, from, to) {
  return [packageOf, roomOf]
    .map((placeOf) => [placeOf(from), placeOf(to)])
    .filter(([above, below]) => map.includes(below) && map.indexOf(above) > map.indexOf(below))
    .map(
      ([above, below]) =>
        `${above} imports ${below}, which stands above it in the map of the README (${from}).`,
    );
}

/** Packages and rooms that the map leaves out: nobody would see which way they import. */
function unmapped(map, files) {
  const below = (base) => files.filter((file) => file.startsWith(`${base}/`));
  const rooms = [...ROOMS.values()].flatMap((base) => below(base).map(roomOf));
  const places = [...below("packages").map(packageOf), ...rooms.filter((room) => !path.extname(room))];
  return [...new Set(places)]
    .filter((place) => !map.includes(place))
    .map((place) => `${place} is not in the map of the README.`);
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

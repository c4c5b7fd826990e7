// Reads an image file tile by tile and prints the most memory that this process has had resident, in MiB, and how often the
// file is still mapped into it (of Linux; elsewhere 0).
import { readFile } from "node:fs/promises";
import { ImageParts } from "@unsam/core/image";

const [, , file, side] = process.argv;
const parts = await ImageParts.open(file);
const boxes = [];
for (let y = 0; y < parts.height; y += Number(side)) {
  for (let x = 0; x < parts.width; x += Number(side)) {
    boxes.push([x, y, Math.min(parts.width, x + Number(side)), Math.min(parts.height, y + Number(side))]);
  }
}
let seen = 0;
for await (const { image } of parts.read(parts, boxes)) seen += image.data.length;
if (seen !== 3 * parts.width * parts.height) throw new Error(`${seen} bytes were read.`);
const maps = await readFile("/proc/self/maps", "utf8").catch(() => "");
const mapped = maps.split("\n").filter((line) => line.endsWith(file)).length;
// Not resourceUsage().maxRSS: a process begins with what the one that started it had resident.
const status = await readFile("/proc/self/status", "utf8").catch(() => "");
const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS) / 1024;
process.stdout.write(`${peak} ${mapped}`);

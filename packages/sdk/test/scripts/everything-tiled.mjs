// Looks at an image tile by tile and prints the most memory that this process has had resident, in MiB, and the masks found.
import { readFile } from "node:fs/promises";
import { UnSAM } from "@unsam/sdk";

const [, , file, tile] = process.argv;
const unsam = await UnSAM.load({ model: "region-tree" });
const { masks } = await unsam.everythingTiled(file, { tile: Number(tile) });
await unsam.dispose();
// Not resourceUsage().maxRSS: a process begins with what the one that started it had resident.
const status = await readFile("/proc/self/status", "utf8").catch(() => "");
const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS) / 1024;
process.stdout.write(`${peak} ${masks.length}`);

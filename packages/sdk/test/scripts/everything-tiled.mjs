// Looks at an image tile by tile and prints the most memory that this process has had resident, in MiB, and the masks found.
import { UnSAM } from "@unsam/sdk";

const [, , file, tile] = process.argv;
const unsam = await UnSAM.load({ model: "region-tree" });
const { masks } = await unsam.everythingTiled(file, { tile: Number(tile) });
await unsam.dispose();
process.stdout.write(`${process.resourceUsage().maxRSS / 1024} ${masks.length}`);

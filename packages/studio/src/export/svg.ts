import { markupText } from "@unsam/core/markup";
import type { RegionWithMask } from "./export-request.js";

/** The regions as SVG of the photo's size: a path each, along pixel edges, holes by the even-odd rule. Wholes lie below their parts. */
export async function svgOf(
  { width, height }: { readonly width: number; readonly height: number },
  regions: readonly RegionWithMask[],
): Promise<string> {
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
  ];
  for (const { label, colour, mask } of [...regions].sort((a, b) => b.mask.area - a.mask.area)) {
    const rings = mask.toPolygons().flatMap(({ outer, holes }) => [outer, ...holes]);
    const path = rings.map((ring) => `M${ring.map(([x, y]) => `${x} ${y}`).join("L")}Z`).join("");
    lines.push(
      `<path fill="${colour}" fill-opacity="0.5" stroke="${colour}" fill-rule="evenodd" d="${path}"><title>${titleOf(label)}</title></path>`,
    );
    await new Promise(setImmediate);
  }
  return `${lines.join("\n")}\n</svg>\n`;
}

/** XML has no way to write control characters. */
const titleOf = (label: string) => markupText(label).replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, " ");

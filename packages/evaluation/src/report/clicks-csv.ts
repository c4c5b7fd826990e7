import { clicksUntil } from "../metrics/interactive.js";
import { type Cell, csvText } from "./csv.js";
import type { Report } from "./report.js";

const COLUMNS =
  "dataset method image annotator region x y share auto auto_granularity oracle oracle_granularity noc90 noc90_auto";

/** A line for each click of each method: its own choice and the best answer, and the clicks until IoU 0.9 where they were asked for. */
export function clicksCsv({ methods, results }: Report): string {
  const rows: Cell[][] = [];
  for (const { dataset, method, scores } of results) {
    const levels = methods.find(({ name }) => name === method)?.levels ?? [];
    for (const { image, clicks } of scores) {
      for (const { annotator, region, x, y, share, ious, auto, interactive } of clicks) {
        const oracle = Math.max(...ious);
        rows.push([
          ...[dataset, method, image, annotator, region, x, y, share],
          ...[auto?.iou ?? null, auto?.granularity ?? null, oracle, levels[ious.indexOf(oracle)] ?? null],
          ...[noc90(interactive?.dial), noc90(interactive?.auto)],
        ]);
      }
    }
  }
  return csvText(COLUMNS.split(" "), rows);
}

function noc90(ious: readonly number[] | null | undefined): Cell {
  return ious ? clicksUntil(ious, 0.9) : null;
}

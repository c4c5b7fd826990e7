import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Mask,
  type MaskRow,
  PackedRows,
  packMask,
  packRows,
  placeMask,
  unpackMask,
} from "#core/mask/index.js";
import { plainMask } from "./random-mask.js";

/** A mask somewhere in a larger image, packed. */
const placed = fc
  .tuple(plainMask, fc.nat(40), fc.nat(40), fc.nat(3), fc.nat(3))
  .map(([{ width, height, bytes }, x, y, right, below]) => {
    const { words } = Mask.fromBytes(width, height, bytes);
    const frame = { x, y, width: x + width + right, height: y + height + below };
    return placeMask(packMask(words, width, height), frame);
  });
describe("rows of masks", () => {
  it("pack to what the bits pack to", () => {
    fc.assert(
      fc.property(placed, (mask) => {
        function* rows(): Generator<MaskRow> {
          const walk = new PackedRows(mask);
          while (walk.next()) yield walk;
        }
        expect(packRows(rows, mask.width, mask.height)).toEqual(
          packMask(unpackMask(mask), mask.width, mask.height),
        );
      }),
    );
  });

  it("are walked from any of them on", () => {
    fc.assert(
      fc.property(placed, fc.nat(), (mask, at) => {
        const all = new PackedRows(mask);
        const rowsOf = (walk: PackedRows) => {
          const seen: [number, number[]][] = [];
          while (walk.next()) seen.push([walk.y, [...walk.crossings.subarray(0, walk.count)]]);
          return seen;
        };
        const rows = mask.area === 0 ? 0 : mask.box[3] - mask.box[1] + 1;
        for (let i = 0; i < at % (rows + 1); i++) all.next();
        const mark = all.mark();
        expect(rowsOf(new PackedRows(mask, mark))).toEqual(rowsOf(all));
      }),
    );
  });
});

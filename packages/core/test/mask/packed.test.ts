import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mask, type PackedMask, packedIntersection, packMask, unpackMask } from "#core/mask/index.js";
import { type PlainMask, plainMask } from "./random-mask.js";

const bits = ({ width, height, bytes }: PlainMask) => Mask.fromBytes(width, height, bytes);
const pack = (mask: PlainMask): PackedMask => packMask(bits(mask).words, mask.width, mask.height);

describe("packed masks", () => {
  it("come back bit for bit, with area and box of their own", () => {
    fc.assert(
      fc.property(plainMask, (plain) => {
        const mask = bits(plain);
        const packed = pack(plain);
        expect(unpackMask(packed)).toEqual(mask.words);
        expect(packed.area).toBe(mask.area);
        const { x, y, width, height } = mask.bbox;
        const corners = mask.area === 0 ? [0, 0, 0, 0] : [x, y, x + width - 1, y + height - 1];
        expect([...packed.box]).toEqual(corners);
      }),
    );
  });

  it("of a crop lie in the whole image where the crop does", () => {
    fc.assert(
      fc.property(plainMask, fc.nat(40), fc.nat(40), fc.nat(40), (plain, left, top, more) => {
        const frame = {
          x: left,
          y: top,
          width: left + plain.width + more,
          height: top + plain.height + more,
        };
        const whole = new Uint8Array(frame.width * frame.height);
        for (let y = 0; y < plain.height; y++) {
          const row = plain.bytes.subarray(y * plain.width, (y + 1) * plain.width);
          whole.set(row, (top + y) * frame.width + left);
        }
        const packed = packMask(bits(plain).words, plain.width, plain.height, frame);
        expect(packed).toEqual(pack({ width: frame.width, height: frame.height, bytes: whole }));
      }),
    );
  });

  it("count their common pixels", () => {
    const pair = plainMask.chain((a) =>
      fc.tuple(
        fc.constant(a),
        fc.array(fc.constantFrom(0, 1), { minLength: a.bytes.length, maxLength: a.bytes.length }),
      ),
    );
    fc.assert(
      fc.property(pair, ([a, other]) => {
        const b = { ...a, bytes: Uint8Array.from(other) };
        const common = a.bytes.reduce((sum, value, i) => sum + (value & b.bytes[i]), 0);
        expect(packedIntersection(pack(a), pack(b))).toBe(common);
      }),
    );
  });

  it("take a few bytes a row", () => {
    const side = 2048;
    const words = new Uint32Array((side / 32) * side);
    for (let y = 0; y < side; y++) {
      const half = Math.sqrt(Math.max(0, 900 ** 2 - (y - 1024) ** 2));
      for (let x = Math.ceil(1024 - half); x < 1024 + half; x++) {
        words[y * (side / 32) + (x >> 5)] |= 1 << (x & 31);
      }
    }
    expect(packMask(words, side, side).data.length).toBeLessThan(4 * side);
  });
});

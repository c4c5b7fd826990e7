import { Mask } from "@unsam/core/mask";
import fc from "fast-check";

/** Small masks of all densities. */
export function randomMask(maxSide = 12): fc.Arbitrary<Mask> {
  return fc
    .tuple(fc.integer({ min: 1, max: maxSide }), fc.integer({ min: 1, max: maxSide }))
    .chain(([width, height]) => maskOf(width, height));
}

/** Masks of one size: each pixel set with a chance that differs from mask to mask. */
export function maskOf(width: number, height: number): fc.Arbitrary<Mask> {
  return fc
    .tuple(
      fc.integer({ min: 0, max: 10 }),
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: width * height, maxLength: width * height }),
    )
    .map(([limit, values]) =>
      Mask.fromBytes(
        width,
        height,
        values.map((value) => (value < limit ? 1 : 0)),
      ),
    );
}

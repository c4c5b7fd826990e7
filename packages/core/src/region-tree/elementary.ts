// exp and powers out of +, −, × and ÷ alone, which IEEE 754 rounds one way only. Math.exp, ** and Math.cbrt may differ in
// the last bit between JavaScript engines and from the C library; a tree must not.
// native/src/region_tree/cpu/elementary.cpp has the same operations in the same order.

const { LN2 } = Math;
/** ln 2 in two parts: whole multiples of the first, of few bits, are exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** eˣ for x from −700 to 700, within 1e-15 of it. */
export function exp(x: number): number {
  const halvings = Math.floor(x / LN2 + 0.5);
  const r = x - halvings * LN2_HIGH - halvings * LN2_LOW;
  // Taylor, |r| ≤ ln 2 / 2.
  let sum = 1;
  for (let n = 14; n > 0; n--) sum = 1 + (sum * r) / n;
  let k = halvings;
  for (; k > 0; k--) sum *= 2;
  for (; k < 0; k++) sum *= 0.5;
  return sum;
}

/** xᵖ for x > 0, within 1e-15 · max(1, |p ln x|) of it. */
export function power(x: number, p: number): number {
  let mantissa = x;
  let exponent = 0;
  for (; mantissa > Math.SQRT2; mantissa *= 0.5) exponent++;
  for (; mantissa < Math.SQRT1_2; mantissa *= 2) exponent--;
  // ln m = 2 artanh((m − 1) / (m + 1)), |z| ≤ 0.1716.
  const z = (mantissa - 1) / (mantissa + 1);
  const square = z * z;
  let series = 0;
  for (let n = 23; n > 0; n -= 2) series = series * square + 1 / n;
  return exp(p * (exponent * LN2_HIGH + (exponent * LN2_LOW + 2 * z * series)));
}

import { loadNative, type NativeBinding } from "@unsam/native-cuda";
import { describe, expect } from "vitest";

const native = await loadNative({ cacheDir: null });
if (native.binding === null && process.env.UNSAM_REQUIRE_NATIVE) throw new Error(native.reason);

/** A suite that holds the addon's functions to their TypeScript twins: skipped, saying why, where there is no addon. */
export function describeTwins(title: string, body: (binding: NativeBinding) => void): void {
  if (native.binding === null) {
    describe.skip(`${title} (skipped: ${native.reason})`, () => {});
  } else {
    const { binding } = native;
    describe(title, () => body(binding));
  }
}

/** As the TypeScript twins have them when nothing else is said. */
export const THRESHOLDS = { threshold: 0, stabilityOffset: 1 };
export const WORK = { threads: 2 };

type Numbers = Uint32Array | Int32Array | Uint16Array | Float64Array;

/** The same kind of array with the same bits. */
export function expectSameBits(actual: Numbers, expected: Numbers, what: string): void {
  const bytes = ({ buffer, byteOffset, byteLength }: Numbers) => Buffer.from(buffer, byteOffset, byteLength);
  expect(actual.constructor.name, what).toBe(expected.constructor.name);
  // Element by element only where it is not so: that is slow, but says where.
  if (!bytes(actual).equals(bytes(expected))) {
    expect(actual, what).toEqual(expected);
    expect.fail(`${what}: equal numbers of different bits`);
  }
}

import { describe, expect, it } from "vitest";
import { OPERATIONS, operationsOf } from "#core/operations/index.js";
import { LEARNED_RECIPE, REGION_TREE_RECIPE } from "#core/region-tree/recipe.js";
import { describeWithAddon } from "./addon.js";
import { CASES } from "./cases.js";

// One contract for all operations: TypeScript is the reference, every other backend gives its bits.

type Call = (...args: readonly unknown[]) => Promise<unknown>;
const inTypeScript = operationsOf(null) as unknown as Record<string, Call>;

async function* casesOf(name: string): AsyncGenerator<readonly unknown[]> {
  yield* CASES[name as keyof typeof CASES]() as Iterable<readonly unknown[]>;
}

describe("every operation in TypeScript", () => {
  it.each(Object.keys(OPERATIONS))("%s has cases and answers them", async (name) => {
    let count = 0;
    for await (const args of casesOf(name)) {
      if (count++ < 3) expect(await inTypeScript[name](...args)).toBeDefined();
    }
    expect(count).toBeGreaterThan(5);
  });
});

describeWithAddon("every operation in the addon", (binding) => {
  it("is one of these", () => {
    expect(Object.keys(binding.operations).sort()).toEqual(Object.keys(OPERATIONS).sort());
    expect(binding.regionTreeRecipe).toBe(REGION_TREE_RECIPE);
    expect(binding.learnedRecipe).toBe(LEARNED_RECIPE);
  });

  it.each(Object.keys(OPERATIONS))(
    "%s gives TypeScript's bits, whatever the number of threads",
    async (name) => {
      let count = 0;
      for await (const args of casesOf(name)) {
        const expected = await inTypeScript[name](...args);
        for (const threads of count++ % 10 === 0 ? [1, 2, 8] : [2]) {
          const found = await (operationsOf(binding, threads) as unknown as Record<string, Call>)[name](
            ...args,
          );
          expectSameBits(found, expected, `${name}, case ${count}, ${threads} threads`);
        }
      }
    },
  );
});

/** Everything that the reference says is said alike; typed arrays bit for bit. The addon may say more. */
function expectSameBits(found: unknown, expected: unknown, what: string): void {
  if (ArrayBuffer.isView(expected)) {
    const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
      Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    expect(found?.constructor.name, what).toBe(expected.constructor.name);
    if (bytes(found as ArrayBufferView).equals(bytes(expected))) return;
    // Element by element only where it is not so: that is slow, but says where.
    expect(found, what).toEqual(expected);
    expect.fail(`${what}: equal numbers of different bits`);
  } else if (typeof expected === "object" && expected !== null) {
    for (const [key, value] of Object.entries(expected)) {
      expectSameBits((found as Record<string, unknown>)?.[key], value, `${what}, ${key}`);
    }
  } else expect(found, what).toBe(expected);
}

import { expect, it } from "vitest";
import { UnSAMError } from "#core/errors.js";

/** A copy of the class, as a second installed version of the package would bring it. */
const copyUrl = import.meta.resolve("#core/errors.js?copy");
const copy = (await import(/* @vite-ignore */ copyUrl)) as { UnSAMError: typeof UnSAMError };

it("knows errors of another copy of the package, which instanceof does not", () => {
  const own = new UnSAMError("E_BAD_OPTION", "no");
  const foreign = new copy.UnSAMError("E_BAD_FILE", "no");
  expect(foreign).not.toBeInstanceOf(UnSAMError);
  expect([own, foreign].map((error) => UnSAMError.isInstance(error))).toEqual([true, true]);
  expect([own, foreign].map((error) => copy.UnSAMError.isInstance(error))).toEqual([true, true]);
});

it.each([
  ["another error", new TypeError("no")],
  ["an object of its shape", { name: "UnSAMError", code: "E_IO", message: "no" }],
  ["a system error", Object.assign(new Error("no"), { code: "E_IO" })],
  ["text", "UnSAMError"],
  ["null", null],
  ["nothing", undefined],
])("%s is none", (_name, value) => {
  expect(UnSAMError.isInstance(value)).toBe(false);
});

it("shows nothing of the mark where an error is shown", () => {
  expect(Object.keys(new UnSAMError("E_IO", "no"))).toEqual(Object.keys(new copy.UnSAMError("E_IO", "no")));
  expect(Object.getOwnPropertySymbols(new UnSAMError("E_IO", "no"))).toEqual([]);
});

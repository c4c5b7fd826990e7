import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import type { NativeBinding, NativeDecoder, NativePrompt } from "#native/binding.js";
import { openAddon } from "#native/open-addon.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";

/** The local build the tests are about. */
export const ADDON = fileURLToPath(new URL("../build/Release/unsam.node", import.meta.url));
const built = existsSync(ADDON);
if (!built && process.env.UNSAM_REQUIRE_NATIVE)
  throw new Error("There is no addon; run `npm run build:native`.");

/** A suite that needs the addon: skipped, and saying so, where none was built. */
export function describeWithAddon(title: string, body: () => void): void {
  if (built) describe(title, body);
  else describe.skip(`${title} (skipped: no addon; npm run build:native makes one)`, body);
}

export function addon(): NativeBinding {
  return openAddon(ADDON);
}

export const THREADS = { threads: 2 };
export const SINGLE = { threads: 2, multimask: false };

export function createDecoder(): Promise<NativeDecoder> {
  return addon().createDecoder(syntheticWeights(), { precision: "float32" });
}

/** An image of side × side tokens, and what belongs to it. */
export async function createImage(side = 4) {
  const decoder = await createDecoder();
  return { decoder, image: await decoder.prepare(syntheticFeatures(side), THREADS) };
}

export function click(x = 20, y = 30): NativePrompt {
  return {
    coords: Float32Array.of(x, y, 0, 0),
    labels: Int32Array.of(1, -1),
    granularity: 0.5,
    maskLogits: null,
  };
}

/** What no encoder takes as options of a call. */
export const BAD_ENCODE_OPTIONS: readonly unknown[] = [
  undefined,
  { threads: 0 },
  { threads: 1e9 },
  { threads: 2, cancel: 1 },
  { threads: 2, cancel: { cell: new Int32Array(1), value: 1 } },
  { threads: 2, cancel: { cell: new Float32Array(new SharedArrayBuffer(4)), value: 1 } },
  { threads: 2, cancel: { cell: new Int32Array(new SharedArrayBuffer(0)), value: 1 } },
  { threads: 2, cancel: { cell: new Int32Array(new SharedArrayBuffer(4)) } },
];

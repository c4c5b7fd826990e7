import { loadNative, type NativeBinding } from "@unsam/native-cuda";
import { describe } from "vitest";

const native = await loadNative({ cacheDir: null });
if (native.binding === null && process.env.UNSAM_REQUIRE_NATIVE) throw new Error(native.reason);

/** The addon; null: there is none. */
export const addon: NativeBinding | null = native.binding;

/** A suite that needs the addon: skipped, saying why, where there is none. */
export function describeWithAddon(title: string, body: (binding: NativeBinding) => void): void {
  if (native.binding === null) {
    describe.skip(`${title} (skipped: ${native.reason})`, () => {});
  } else {
    const { binding } = native;
    describe(title, () => body(binding));
  }
}

import { CONTRACT, type NativeBinding } from "./binding.js";

/** The addons that this thread has opened. */
const opened = new Map<string, NativeBinding>();

/**
 * Loads an addon into this process; once for each thread: every further load would have idle threads of its own, until the
 * thread that loaded it ends. Throws where it is no addon, or one built for another contract.
 */
export function openAddon(path: string): NativeBinding {
  const known = opened.get(path);
  if (known) return known;
  // Not `require`: a file of any other name would be run as JavaScript.
  const module = { exports: {} as NativeBinding };
  process.dlopen(module, path);
  const { contract } = module.exports;
  if (contract !== CONTRACT) {
    throw new Error(
      `it speaks contract ${contract}, this version of @unsam/native-cuda contract ${CONTRACT}`,
    );
  }
  opened.set(path, module.exports);
  return module.exports;
}

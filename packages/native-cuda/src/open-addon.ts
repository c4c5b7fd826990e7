import { CONTRACT, type NativeBinding } from "./binding.js";

/** Loads an addon into this process. Throws where it is no addon, or one built for another contract. */
export function openAddon(path: string): NativeBinding {
  // Not `require`: a file of any other name would be run as JavaScript.
  const module = { exports: {} as NativeBinding };
  process.dlopen(module, path);
  const { contract } = module.exports;
  if (contract !== CONTRACT) {
    throw new Error(
      `it speaks contract ${contract}, this version of @unsam/native-cuda contract ${CONTRACT}`,
    );
  }
  return module.exports;
}

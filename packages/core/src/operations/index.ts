import { type NativeBinding, openAddon } from "@unsam/native-cuda";
import { FUSION_OPERATIONS } from "./fusion.js";
import { MASK_OPERATIONS } from "./masks.js";
import { bindOperations, type Callable } from "./operation.js";
import { REGION_OPERATIONS } from "./regions.js";

export type { FinishedMasks, LogitMapList, Size } from "./masks.js";
export { typed } from "./native-errors.js";
export type { Callable, Operation } from "./operation.js";

/** Every operation there is. test/operations runs each on every backend, from one list of cases. */
export const OPERATIONS = { ...MASK_OPERATIONS, ...FUSION_OPERATIONS, ...REGION_OPERATIONS };

export type Operations = Callable<typeof OPERATIONS>;

/** The addon, as another thread opens it. Plain data. */
export interface AddonAt {
  readonly addon: string;
  /** Threads of one call; the results do not depend on them. */
  readonly threads: number;
}

/** The operations on this addon; null: in TypeScript, on the calling thread. */
export function operationsOf(binding: NativeBinding | null, threads = 1): Operations {
  return bindOperations(OPERATIONS, binding, threads);
}

/**
 * For worker threads: gives memory back to the system that large buffers have left. glibc keeps it where small ones that live on
 * lie in between; without the addon nothing asks for it.
 */
export function returnFreeMemory(at: AddonAt | null): void {
  if (at) openAddon(at.addon).returnFreeMemory();
}

/** For worker threads: the operations on the addon at a path. */
export function operationsAt(at: AddonAt | null): Operations {
  return at ? operationsOf(openAddon(at.addon), at.threads) : operationsOf(null);
}

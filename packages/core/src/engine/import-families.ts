import { UnSAMError } from "../errors.js";
import { reasonOf } from "../files/index.js";
import type { NetworkFamily } from "../models/index.js";

/**
 * The families of networks that are the default exports of these modules. Functions cannot cross threads, so each thread imports
 * them. Throws `E_BAD_OPTION`.
 */
export async function importFamilies(modules: readonly string[]): Promise<NetworkFamily[]> {
  const families = await Promise.all(
    modules.map(async (module) => {
      const list = await importDefaults(module);
      if (list.every(isNetworkFamily)) return list;
      throw new UnSAMError("E_BAD_OPTION", `The default export of ${module} is no NetworkFamily.`);
    }),
  );
  return families.flat();
}

/** What a module exports as its default, as a list. Throws `E_BAD_OPTION` where it cannot be imported. */
export async function importDefaults(module: string): Promise<unknown[]> {
  const exported = await import(module).then(
    ({ default: value }) => value,
    (cause) => {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `The model family ${module} cannot be imported: ${reasonOf(cause)}.`,
      );
    },
  );
  return Array.isArray(exported) ? exported : [exported];
}

export function isNetworkFamily(value: unknown): value is NetworkFamily {
  const { name, marks, recognises, model } = (value ?? {}) as Partial<NetworkFamily>;
  return (
    typeof name === "string" &&
    Array.isArray(marks) &&
    typeof recognises === "function" &&
    typeof model === "function"
  );
}

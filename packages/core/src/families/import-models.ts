import { importDefaults, isNetworkFamily } from "../engine/import-families.js";
import { UnSAMError } from "../errors.js";
import { isModelFamily, type ModelFamily } from "./model-family.js";
import { networkFamily } from "./network/network-family.js";

/**
 * The families of models in modules of a caller, by their addresses (`file:` URLs), so that each thread can import them. The default
 * export of a module is a `ModelFamily`, a `NetworkFamily`, or a list of either. Throws `E_BAD_OPTION`.
 */
export async function importModelFamilies(modules: readonly string[]): Promise<ModelFamily[]> {
  const families: ModelFamily[] = [];
  for (const module of new Set(modules)) {
    const list = await importDefaults(module);
    if (list.length > 0 && list.every(isModelFamily)) families.push(...list);
    else if (list.length > 0 && list.every(isNetworkFamily)) {
      families.push(...list.map((family) => networkFamily(family, module)));
    } else {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `The default export of ${module} is no model family; export a ModelFamily { name, capabilities, recognise, open }, ` +
          "a NetworkFamily { name, capabilities, marks, recognises, model }, or a list of one of the two.",
      );
    }
  }
  return families;
}

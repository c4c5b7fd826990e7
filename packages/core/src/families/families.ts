import { importFamilies } from "../engine/import-families.js";
import { NETWORK_FAMILIES, type NetworkFamily } from "../models/index.js";
import { BUILT_IN_MODELS, type BuiltInModel } from "../names.js";
import type { ModelFamily } from "./model-family.js";
import { nano } from "./nano/family.js";
import { networkFamily } from "./network/network-family.js";
import { regionTree } from "./region-tree/family.js";

/** Each by its name, so that none can be missing. */
const BUILT_IN_BY_NAME: { readonly [Name in BuiltInModel]: ModelFamily & { readonly name: Name } } = {
  "region-tree": regionTree,
  nano,
};
const BUILT_IN = BUILT_IN_MODELS.map((name) => BUILT_IN_BY_NAME[name]);

const NETWORKS = new URL("../models/network-families.js", import.meta.url);

/** All families that the package brings, in the order in which they are asked. */
export const MODEL_FAMILIES: readonly ModelFamily[] = [
  ...BUILT_IN,
  ...NETWORK_FAMILIES.map((family) => networkFamily(family, NETWORKS)),
];

/**
 * The networks of a caller's own families, then those that the package brings: as `openModel` asks them. Throws `E_BAD_OPTION` where
 * the module of one cannot be imported.
 */
export async function networksOf(own: readonly ModelFamily[]): Promise<NetworkFamily[]> {
  const modules = [...new Set(own.flatMap(({ network }) => network ?? []))];
  return [...(await importFamilies(modules)), ...NETWORK_FAMILIES];
}

/** The family of a model that needs no file; null: there is none of that name. */
export function builtInFamily(name: string): ModelFamily | null {
  return BUILT_IN.find((family) => family.name === name) ?? null;
}

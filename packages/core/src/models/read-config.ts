import { UnSAMError } from "../errors.js";
import { readFileJson, shown } from "../files/index.js";

/** The keys of a YAML file take a few kilobytes; beyond this it is something else. */
const MOST_BYTES = 1024 * 1024;

/**
 * The content of a model configuration: of a JSON file (keys of the official YAML), or as it was given. What it says is
 * checked with the model's tensors (`resolveModel`). Throws `E_BAD_CONFIG`.
 */
export async function readModelConfig(
  config: string | object | undefined,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<unknown> {
  if (typeof config !== "string") return config;
  if (/\.ya?ml$/i.test(config)) {
    throw new UnSAMError(
      "E_BAD_CONFIG",
      `The model configuration ${shown(config)} is YAML; give the same keys as JSON (python3 -c "import json, sys, yaml; ` +
        `print(json.dumps(yaml.safe_load(sys.stdin)))").`,
    );
  }
  const what = "The model configuration";
  return readFileJson(config, { what, code: "E_BAD_CONFIG", maxBytes: MOST_BYTES, signal });
}

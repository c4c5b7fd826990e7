import { type NetworkOptions, openNetworkEngine } from "../../engine/index.js";
import { UnSAMError } from "../../errors.js";
import type { NetworkFamily } from "../../models/index.js";
import type { AskedModel, ModelFamily, OpenOptions } from "../model-family.js";

/**
 * A family of networks as a family of models. `module`: where threads import it, by its default export, which is the family
 * or a list that holds it.
 */
export function networkFamily(
  { name, capabilities }: Pick<NetworkFamily, "name" | "capabilities">,
  module: string | URL,
): ModelFamily {
  const network = `${module}`;
  return {
    name,
    capabilities,
    network,
    recognise: async (asked) => (await asked.network())?.family === name,
    open: async (asked, options) => {
      checkTogether(options);
      return openNetworkEngine((await asked.network())!, networkOptions(asked, options));
    },
  };
}

/** Throws `E_BAD_OPTION` for options that contradict each other. */
function checkTogether({ device, encoder, decoder, precision }: OpenOptions): void {
  if (precision === "bfloat16" && decoder === "onnx") {
    throw new UnSAMError(
      "E_BAD_OPTION",
      'precision "bfloat16" is one of the native decoder, and decoder is "onnx"; leave one of them out.',
    );
  }
  if (device === "cuda" && encoder === "native") {
    throw new UnSAMError(
      "E_BAD_OPTION",
      'The native encoder runs on the processor, and device is "cuda"; leave one of encoder and device out.',
    );
  }
}

function networkOptions({ checkpoint }: AskedModel, { decoder, ...options }: OpenOptions): NetworkOptions {
  const { path, config, weights } = checkpoint!;
  return { checkpoint: path, config, weights, ...decoderAndDevice(decoder), ...options };
}

/** `"cuda"` and `"cuda:1"` are the native decoder on a device. */
export function decoderAndDevice(
  decoder: OpenOptions["decoder"],
): Pick<NetworkOptions, "decoder" | "cudaDevice"> {
  if (decoder === "auto" || decoder === "onnx" || decoder === "native") return { decoder, cudaDevice: null };
  return { decoder: "native", cudaDevice: Number(decoder.slice("cuda:".length) || 0) };
}

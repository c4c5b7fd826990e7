import type { NativeStatus } from "@unsam/native-cuda";
import { UnSAMError } from "../errors.js";
import { loadAddon } from "./load-addon.js";
import type { NetworkOptions } from "./network-options.js";

/**
 * The addon, or why there is none; null: nothing may use it. Throws `E_UNSUPPORTED` where there is none and nothing else was
 * asked for.
 */
export async function nativeStatus({
  encoder,
  decoder,
  cacheDir,
}: Pick<NetworkOptions, "encoder" | "decoder" | "cacheDir">): Promise<NativeStatus | null> {
  if (encoder === "onnx" && decoder === "onnx") return null;
  const native = await loadAddon(cacheDir);
  if (native.binding !== null) return native;
  for (const [part, wanted] of Object.entries({ encoder, decoder })) {
    if (wanted !== "native") continue;
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `There is no native ${part}. ${native.reason} ${part}: "auto" or "onnx" works without.`,
    );
  }
  return native;
}

/** Why a part is what somebody named. */
export const ASKED = "It was asked for.";

/**
 * Where the memory of videos is computed, and why. Throws `E_UNSUPPORTED` where there are no kernels for what was asked.
 * `native` null: nothing may use the addon.
 */
export function memoryChoice(
  wanted: "auto" | "onnx" | "native",
  device: NetworkOptions["device"],
  native: NativeStatus | null,
): { readonly memory: "onnx" | "native"; readonly reason: string } {
  const without =
    native === null
      ? 'encoder: "onnx" and decoder: "onnx" were asked for.'
      : native.binding === null
        ? native.reason
        : null;
  if (wanted === "native") {
    if (without === null) return { memory: wanted, reason: ASKED };
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `There is no native memory. ${without} memory: "auto" or "onnx" works without.`,
    );
  }
  if (wanted === "onnx") return { memory: wanted, reason: ASKED };
  if (device === "cuda") return { memory: "onnx", reason: 'device: "cuda" is ONNX Runtime\'s.' };
  if (without !== null) return { memory: "onnx", reason: without };
  return { memory: "native", reason: "The addon is there; its kernels are the fastest ones." };
}

/** Why an encoder is what it is, one plain sentence. */
export function encoderReason(
  { encoder: wanted, device }: Pick<NetworkOptions, "encoder" | "device">,
  native: NativeStatus | null,
  encoder: "onnx" | "native",
): string {
  if (wanted !== "auto") return ASKED;
  if (encoder === "native")
    return "The addon is there and has kernels for the model; they are the fastest ones.";
  if (device === "cuda") return 'device: "cuda" is ONNX Runtime\'s.';
  if (native?.binding === null) return native.reason;
  return "The addon has no kernels for this family of models.";
}

import type { MessagePort } from "node:worker_threads";
import { openAddon } from "@unsam/native-cuda";
import { type Checkpoint, openCheckpoint } from "../checkpoint/index.js";
import { type ImageFeatures, type NetworkPrompt, nativeMisfit } from "../decoder/index.js";
import type { OnnxDecoderKernel, PreparedFeatures } from "../decoder/onnx-decoder-kernel.js";
import { buildEncoder, hasBfloat16, type ImageEncoder, openNativeEncoder } from "../encoder/index.js";
import { UnSAMError } from "../errors.js";
import { networkInput } from "../image/resize.js";
import type { RgbImage } from "../image/rgb-image.js";
import {
  type NetworkFamily,
  type NetworkModel,
  recogniseNetwork,
  resolveModel,
  weightsFingerprint,
} from "../models/index.js";
import { DISPOSED } from "../operations/native-errors.js";
import { callersAbort, keep, move, openSession } from "../runtime/index.js";
import type { Tensor } from "../tensor.js";
import type { JoinedVideoNetwork, MemoryKind } from "../video/index.js";
import type { ClickBatch } from "../whole-image/index.js";
import { sendBatch } from "../whole-image/proposals.js";
import { importFamilies } from "./import-families.js";
import { answerClicks, type ClickedSize } from "./network-clicks.js";
import type { NetworkOptions } from "./network-options.js";

// The inference thread's side of a network: the encoder, the sessions, and the images prepared for them. ONNX Runtime is
// loaded when something first runs on it, so that it need not be installed where nothing does.

export interface Network {
  readonly encoder: ImageEncoder;
  /** null: the native decoder answers, outside of this thread. */
  readonly decoder: OnnxDecoderKernel | null;
  /** What it was opened from. */
  readonly origin: {
    readonly options: OpenOptions;
    readonly families: readonly NetworkFamily[];
    readonly fingerprint: string;
  };
  /** The networks that only videos need (`video.worker.ts`), as far as they were opened; null: the model is closed. */
  videos: Map<MemoryKind, Promise<JoinedVideoNetwork>> | null;
}

/** An image prepared for the decoder on ONNX Runtime. */
export interface OnnxImage {
  readonly decoder: OnnxDecoderKernel;
  readonly features: ImageFeatures;
  readonly prepared: PreparedFeatures;
}

/** Options of `openNetworkEngine` as they cross to this thread. */
export interface OpenOptions extends Omit<NetworkOptions, "signal" | "precision"> {
  readonly precision: "float32" | "bfloat16";
  /** Path of the addon; null: there is none, or nothing may use it. */
  readonly addon: string | null;
}

/** A checkpoint, and the families it may be of. */
export interface OpenCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly families: readonly NetworkFamily[];
}

/** Opens a checkpoint and tells the name of its family. */
export async function recognise(path: string, weights: string | undefined, modules: readonly string[]) {
  const families = await importFamilies(modules);
  const checkpoint = await openCheckpoint(path);
  try {
    const { name } = recogniseNetwork(checkpoint, weights, families);
    const open: OpenCheckpoint = { checkpoint, families };
    const gone = "This checkpoint was closed; load it again.";
    return { family: name, handle: keep(open, { gone, release: () => checkpoint.close() }) };
  } catch (cause) {
    await checkpoint.close();
    throw cause;
  }
}

/** Opens a network; where the native decoder can answer for it, with that one's weights instead of an ONNX decoder. */
export async function open({ checkpoint, families }: OpenCheckpoint, options: OpenOptions) {
  const model = resolveModel(checkpoint, options.config, options.weights, families);
  const fingerprint = weightsFingerprint(await checkpoint.fingerprint(), model.weights);
  const allowed = options.addon !== null && options.decoder !== "onnx";
  const native = allowed ? await nativeWeights(model, options.decoder) : null;
  const weights = native?.weights ?? null;
  const kernels = await openKernels(model, fingerprint, options, weights === null);
  const network: Network = { ...kernels, origin: { options, families, fingerprint }, videos: new Map() };
  const opened = {
    network: keep(network, {
      gone: "This model was disposed; load it again.",
      release: () => close(network),
    }),
    weights,
    nativeMisfit: native?.misfit ?? null,
    fingerprint,
    encoder: network.encoder.kind,
    imageSize: model.config.imageSize,
    width: model.config.neck.width,
    family: model.family,
    capabilities: model.capabilities,
    features: model.features,
    description: model.description,
  };
  return move(opened, ...[...(weights?.values() ?? [])].map(({ data }) => data));
}

/** `weights` null: the addon cannot stand for this model. Throws `E_UNSUPPORTED` where nothing else was asked for. */
async function nativeWeights(
  model: NetworkModel,
  decoder: NetworkOptions["decoder"],
): Promise<{ weights: ReadonlyMap<string, Tensor> | null; misfit: string | null }> {
  const weights = await model.decoderWeights();
  const misfit = nativeMisfit(model, weights);
  if (misfit === null) return { weights, misfit };
  if (decoder === "auto") return { weights: null, misfit };
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `The native decoder cannot run this model: ${misfit}; use decoder "onnx" or "auto".`,
  );
}

async function openKernels(
  model: NetworkModel,
  fingerprint: string,
  options: OpenOptions,
  withDecoder: boolean,
): Promise<Pick<Network, "encoder" | "decoder">> {
  const encoder = (await nativeEncoder(model, options)) ?? (await onnxEncoder(model, fingerprint, options));
  try {
    return { encoder, decoder: withDecoder ? await onnxDecoder(model, options) : null };
  } catch (cause) {
    await encoder.release();
    throw cause;
  }
}

/** null: ONNX Runtime encodes. Throws `E_UNSUPPORTED` where nothing but the native encoder was asked for. */
async function nativeEncoder(
  model: NetworkModel,
  { addon, encoder, device, threads, precision }: OpenOptions,
): Promise<ImageEncoder | null> {
  if (addon === null || encoder === "onnx" || (encoder === "auto" && device === "cuda")) return null;
  if (model.encoderSource === null) {
    if (encoder === "auto") return null;
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `The native encoder cannot run this model (${model.description}); use encoder "onnx" or "auto".`,
    );
  }
  const binding = openAddon(addon);
  return openNativeEncoder(binding, model.encoderSource, model.features, {
    threads,
    // A decoder on a CUDA device may work in bfloat16 where the processor only could imitate it.
    precision: hasBfloat16(binding) ? precision : "float32",
  });
}

async function onnxEncoder(
  model: NetworkModel,
  fingerprint: string,
  options: OpenOptions,
): Promise<ImageEncoder> {
  const { OnnxEncoderKernel } = await import("../encoder/onnx-encoder-kernel.js");
  const files = await buildEncoder(model, fingerprint, options.cacheDir);
  const side = model.config.imageSize;
  try {
    const kernel = await OnnxEncoderKernel.open(files.modelPath, side, (path) =>
      openSession(path, { ...sessionOptions(options), keepMemory: false }),
    );
    return {
      kind: "onnx",
      encode: (image) => kernel.encode(networkInput(image, side).data),
      release: async () => {
        await kernel.release();
        await files.dispose();
      },
    };
  } catch (cause) {
    await files.dispose();
    if (options.device !== "cuda" || !UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `device is "cuda", but ONNX Runtime cannot run the model on CUDA here (${cause.message.replace(/\.$/, "")}); leave device out.`,
      { cause },
    );
  }
}

async function onnxDecoder(model: NetworkModel, options: OpenOptions): Promise<OnnxDecoderKernel> {
  const { OnnxDecoderKernel } = await import("../decoder/onnx-decoder-kernel.js");
  return OnnxDecoderKernel.open(model, (bytes) => openSession(bytes, sessionOptions(options)));
}

export function sessionOptions({ threads, device }: OpenOptions) {
  return { threads, providers: device === "cuda" ? ["cuda"] : ["cpu"] };
}

export async function encode({ encoder }: Network, image: RgbImage) {
  const features = await encoder.encode(image);
  return move(features, ...Object.values(features).map(({ data }) => data));
}

export async function prepare({ decoder }: Network, features: ImageFeatures) {
  if (!decoder) throw new Error("The network was opened for the native decoder.");
  const image: OnnxImage = { decoder, features, prepared: await decoder.prepare(features) };
  return keep(image, { gone: DISPOSED });
}

/** One group of prompts (see `decodeGroups`). */
export async function decode(
  { decoder, prepared }: OnnxImage,
  prompts: readonly NetworkPrompt[],
  multimask: boolean,
) {
  const masks = await decoder.decode(prepared, prompts, { multimask });
  return move(masks, ...masks.map(({ lowRes }) => lowRes));
}

/** Sends through the port what some clicks propose. */
export async function propose(
  { decoder, prepared }: OnnxImage,
  size: ClickedSize,
  clicks: ClickBatch,
  port: MessagePort,
): Promise<void> {
  const answers = await answerClicks(
    (prompts, options) => decoder.decode(prepared, prompts, { ...options, signal: callersAbort }),
    size,
    clicks,
  );
  sendBatch(port, { kind: "logits", ...answers });
}

export function features(image: OnnxImage): ImageFeatures {
  return image.features;
}

async function close(network: Network): Promise<void> {
  const { decoder, encoder, videos } = network;
  network.videos = null;
  await decoder?.release();
  await encoder.release();
  for (const video of videos?.values() ?? []) {
    await video.then(
      (opened) => opened.release(),
      () => {},
    );
  }
}

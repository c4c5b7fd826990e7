import { openCheckpoint } from "../checkpoint/index.js";
import { type ImageFeatures, type NetworkPrompt, nativeMisfit } from "../decoder/index.js";
import { OnnxDecoderKernel, type PreparedFeatures } from "../decoder/onnx-decoder-kernel.js";
import { type BuiltEncoder, buildEncoder } from "../encoder/index.js";
import { OnnxEncoderKernel } from "../encoder/onnx-encoder-kernel.js";
import { UnSAMError } from "../errors.js";
import { networkInput } from "../image/resize.js";
import type { RgbImage } from "../image/rgb-image.js";
import { type NetworkModel, resolveModel, weightsFingerprint } from "../models/index.js";
import { DISPOSED } from "../operations/native-errors.js";
import { keep, move, openSession } from "../runtime/index.js";
import type { Tensor } from "../tensor.js";
import type { NetworkOptions } from "./network-options.js";

// The inference thread's side of a network: the sessions, and the images prepared for them.

export interface Network {
  readonly model: NetworkModel;
  readonly files: BuiltEncoder;
  readonly encoder: OnnxEncoderKernel;
  /** null: the native decoder answers, outside of this thread. */
  readonly decoder: OnnxDecoderKernel | null;
}

/** An image prepared for the decoder on ONNX Runtime. */
export interface OnnxImage {
  readonly decoder: OnnxDecoderKernel;
  readonly features: ImageFeatures;
  readonly prepared: PreparedFeatures;
}

/** Options of `openNetworkEngine` as they cross to this thread. */
export interface OpenOptions extends Omit<NetworkOptions, "signal"> {
  /** There is an addon, and it may be used. */
  readonly native: boolean;
}

/** Opens a network; where the native decoder can answer for it, with that one's weights instead of ONNX sessions. */
export async function open(options: OpenOptions) {
  const checkpoint = await openCheckpoint(options.checkpoint);
  try {
    const model = resolveModel(checkpoint, options.config, options.weights);
    const fingerprint = weightsFingerprint(await checkpoint.fingerprint(), model.weights);
    const native = options.native ? await nativeWeights(model, options.decoder) : null;
    const weights = native?.weights ?? null;
    const network = await openKernels(model, fingerprint, options, weights === null);
    const opened = {
      network: keep(network, {
        gone: "This model was disposed; load it again.",
        release: () => close(network),
      }),
      weights,
      nativeMisfit: native?.misfit ?? null,
      fingerprint,
      imageSize: model.config.imageSize,
      width: model.config.neck.width,
      granularity: model.granularity,
      features: model.features,
      description: model.description,
    };
    return move(opened, ...[...(weights?.values() ?? [])].map(({ data }) => data));
  } finally {
    await checkpoint.close();
  }
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
  { cacheDir, threads, device }: OpenOptions,
  withDecoder: boolean,
): Promise<Network> {
  const providers = device === "cuda" ? ["cuda"] : ["cpu"];
  const sessionOptions = { threads, providers };
  const files = await buildEncoder(model, fingerprint, cacheDir);
  let encoder: OnnxEncoderKernel | null = null;
  try {
    encoder = await OnnxEncoderKernel.open(files.modelPath, model.config.imageSize, (path) =>
      openSession(path, { ...sessionOptions, keepMemory: false }),
    );
    const decoder = withDecoder
      ? await OnnxDecoderKernel.open(model, (bytes) => openSession(bytes, sessionOptions))
      : null;
    return { model, files, encoder, decoder };
  } catch (cause) {
    await encoder?.release();
    await files.dispose();
    if (device !== "cuda" || !(cause instanceof UnSAMError)) throw cause;
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `device is "cuda", but ONNX Runtime cannot run the model on CUDA here (${cause.message.replace(/\.$/, "")}); leave device out.`,
      { cause },
    );
  }
}

export async function encode({ model, encoder }: Network, image: RgbImage) {
  const features = await encoder.encode(networkInput(image, model.config.imageSize).data);
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

export function features(image: OnnxImage): ImageFeatures {
  return image.features;
}

async function close({ decoder, encoder, files }: Network): Promise<void> {
  await decoder?.release();
  await encoder.release();
  await files.dispose();
}

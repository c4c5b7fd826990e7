import { openCheckpoint } from "../checkpoint/index.js";
import { type ImageFeatures, type NetworkPrompt, nativeMisfit } from "../decoder/index.js";
import { OnnxDecoderKernel, type PreparedFeatures } from "../decoder/onnx-decoder-kernel.js";
import { type BuiltEncoder, buildEncoder } from "../encoder/index.js";
import { OnnxEncoderKernel } from "../encoder/onnx-encoder-kernel.js";
import { UnSAMError } from "../errors.js";
import { networkInput } from "../image/resize.js";
import type { RgbImage } from "../image/rgb-image.js";
import { type NetworkModel, resolveModel, weightsFingerprint } from "../models/index.js";
import { move, openSession } from "../runtime/index.js";
import type { Tensor } from "../tensor.js";
import type { NetworkOptions } from "./network-options.js";

// The inference thread's side of a network: the sessions, and the images prepared for them.

interface Network {
  readonly model: NetworkModel;
  readonly files: BuiltEncoder;
  readonly encoder: OnnxEncoderKernel;
  /** null: the native decoder answers, outside of this thread. */
  readonly decoder: OnnxDecoderKernel | null;
  readonly images: Set<number>;
}

interface NetworkImage {
  readonly network: Network;
  readonly features: ImageFeatures;
  readonly prepared: PreparedFeatures;
}

let lastHandle = 0;
const networks = new Map<number, Network>();
const images = new Map<number, NetworkImage>();

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
    const weights = options.native ? await nativeWeights(model, options.decoder) : null;
    const network = await openKernels(model, fingerprint, options, weights === null);
    const handle = ++lastHandle;
    networks.set(handle, network);
    const opened = {
      handle,
      weights,
      fingerprint,
      imageSize: model.config.imageSize,
      granularity: model.granularity,
      features: model.features,
      description: model.description,
    };
    return move(opened, ...[...(weights?.values() ?? [])].map(({ data }) => data));
  } finally {
    await checkpoint.close();
  }
}

/** null: the addon cannot stand for this model. Throws `E_UNSUPPORTED` where nothing else was asked for. */
async function nativeWeights(
  model: NetworkModel,
  decoder: NetworkOptions["decoder"],
): Promise<ReadonlyMap<string, Tensor> | null> {
  const weights = await model.decoderWeights();
  const misfit = nativeMisfit(model, weights);
  if (misfit === null) return weights;
  if (decoder === "auto") return null;
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
    return { model, files, encoder, decoder, images: new Set() };
  } catch (cause) {
    await encoder?.release();
    await files.dispose();
    throw cause;
  }
}

export async function encode(handle: number, image: RgbImage) {
  const { model, encoder } = network(handle);
  const features = await encoder.encode(networkInput(image, model.config.imageSize).data);
  return move(features, ...Object.values(features).map(({ data }) => data));
}

export async function prepare(handle: number, features: ImageFeatures): Promise<number> {
  const owner = network(handle);
  const id = ++lastHandle;
  images.set(id, { network: owner, features, prepared: await onnxKernel(owner).prepare(features) });
  owner.images.add(id);
  return id;
}

export async function decode(id: number, prompts: readonly NetworkPrompt[], multimask: boolean) {
  const { network: owner, prepared } = image(id);
  const masks = await onnxKernel(owner).decode(prepared, prompts, { multimask });
  return move(masks, ...masks.map(({ lowRes }) => lowRes));
}

export function features(id: number): ImageFeatures {
  return image(id).features;
}

export function release(id: number): void {
  images.get(id)?.network.images.delete(id);
  images.delete(id);
}

export async function close(handle: number): Promise<void> {
  const closing = networks.get(handle);
  if (!closing) return;
  networks.delete(handle);
  for (const id of closing.images) images.delete(id);
  await closing.decoder?.release();
  await closing.encoder.release();
  await closing.files.dispose();
}

function network(handle: number): Network {
  const found = networks.get(handle);
  if (!found) throw new UnSAMError("E_DISPOSED", "This model was disposed; load it again.");
  return found;
}

function onnxKernel({ decoder }: Network): OnnxDecoderKernel {
  if (!decoder) throw new Error("The network was opened for the native decoder.");
  return decoder;
}

function image(id: number): NetworkImage {
  const found = images.get(id);
  if (!found)
    throw new UnSAMError(
      "E_DISPOSED",
      "This encoded image, or its model, was disposed; encode the photo again.",
    );
  return found;
}

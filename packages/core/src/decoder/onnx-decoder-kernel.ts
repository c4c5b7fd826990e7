import type { Abortable } from "../abortable.js";
import { UnSAMError } from "../errors.js";
import { encodeModel, type Graph } from "../graph/index.js";
import type { FeatureMap, NetworkModel } from "../models/index.js";
import { Tensor } from "../runtime/onnx-runtime.js";
import type { Session, SessionTensor } from "../runtime/ort-session.js";
import { decodeGroups } from "./decode-groups.js";
import { checkFeatures, type DecodedMasks, type ImageFeatures, type NetworkPrompt } from "./mask-decoder.js";
import { type SelectionRules, selectMasks } from "./select-masks.js";

// Importing this file loads ONNX Runtime, whose `run` blocks its thread: it belongs in a worker.

/** Opens a session on a model given as bytes. */
export type OpenSession = (model: Uint8Array) => Promise<Session>;

/** An image made ready for decoding. Plain memory of the thread that made it. */
export interface PreparedFeatures {
  readonly imageEmbed: SessionTensor;
  /** Outputs of the graphs that do not depend on the points, without a mask prompt. */
  readonly tokens: TensorMap;
  readonly skips: TensorMap;
}

export type TensorMap = Readonly<Record<string, SessionTensor>>;

interface Sessions {
  readonly maskPrompt: Session;
  readonly imageTokens: Session;
  /** null: the decoder adds no maps of the encoder. */
  readonly skips: Session | null;
  readonly decoder: Session;
}

/** Added to the attention score of a token that only fills up its row: its weight becomes exactly zero. */
const UNSEEN = -1e9;

/** The mask decoder of one model on ONNX Runtime. Plain data in and out. */
export class OnnxDecoderKernel {
  readonly #sessions: Sessions;
  readonly #noMask: SessionTensor;
  readonly #rules: SelectionRules;
  readonly #features: readonly FeatureMap[];
  readonly #width: number;
  /** Side of the image embedding. */
  readonly #side: number;

  private constructor(model: NetworkModel, sessions: Sessions, noMask: Float32Array) {
    this.#sessions = sessions;
    this.#features = model.features;
    this.#rules = { granularity: model.granularity, stability: model.config.stability };
    this.#width = model.config.neck.width;
    this.#side = model.config.imageSize / 16;
    const cells = this.#side ** 2;
    const dense = new Float32Array(this.#width * cells);
    noMask.forEach((value, channel) => {
      dense.fill(value, channel * cells, (channel + 1) * cells);
    });
    this.#noMask = new Tensor("float32", dense, [1, this.#width, this.#side, this.#side]);
  }

  static async open(model: NetworkModel, openSession: OpenSession): Promise<OnnxDecoderKernel> {
    const opened: Session[] = [];
    const session = async (graph: Graph): Promise<Session> => {
      const result = await openSession(await encodeModel(graph));
      opened.push(result);
      return result;
    };
    try {
      const sessions = {
        maskPrompt: await session(model.maskPromptEncoder),
        imageTokens: await session(model.decoderImageTokens),
        skips: model.decoderSkips && (await session(model.decoderSkips)),
        decoder: await session(model.maskDecoder),
      };
      return new OnnxDecoderKernel(model, sessions, await model.noMaskEmbedding());
    } catch (error) {
      await Promise.all(opened.map((one) => one.release()));
      throw error;
    }
  }

  /** Throws `E_BAD_FILE` where the features are not of this model's shapes. */
  async prepare(features: ImageFeatures): Promise<PreparedFeatures> {
    checkFeatures(features, this.#features);
    const feeds = Object.fromEntries(
      this.#features.map(({ name, shape }) => [
        name,
        new Tensor("float32", features[name]!.data, [1, ...shape]),
      ]),
    );
    const { image_embed: imageEmbed, ...maps } = feeds;
    const { imageTokens, skips } = this.#sessions;
    return {
      imageEmbed,
      tokens: await imageTokens.run({ image_embed: imageEmbed, dense_prompt: this.#noMask }),
      skips: skips ? await skips.run(maps) : {},
    };
  }

  /** Results in the order of the prompts, which may differ in their number of points and in having a mask. */
  async decode(
    image: PreparedFeatures,
    prompts: readonly NetworkPrompt[],
    options: { readonly multimask: boolean; readonly signal?: Abortable },
  ): Promise<DecodedMasks[]> {
    const results = new Array<DecodedMasks>(prompts.length);
    for (const group of decodeGroups(prompts, { width: this.#width, side: this.#side })) {
      options.signal?.throwIfAborted();
      const chosen = group.map((index) => prompts[index]);
      const tokens = chosen[0].maskLogits ? await this.#tokensUnderMasks(image, chosen) : image.tokens;
      const outputs = await this.#sessions.decoder.run({
        ...tokens,
        ...image.skips,
        ...this.#promptFeeds(chosen),
      });
      group.forEach((index, position) => {
        const row = (name: string): Float32Array => rowOf(outputs[name], position);
        const output = {
          logits: row("low_res_logits"),
          predictedIou: row("predicted_iou"),
          // What the official decoder says where the model has no object score: surely there.
          objectScore: outputs.object_score ? row("object_score")[0] : 10,
        };
        const { lowRes, predictedIou, ...rest } = selectMasks(output, this.#rules, options.multimask);
        results[index] = { lowRes: lowRes.slice(), predictedIou: predictedIou.slice(), ...rest };
      });
    }
    return results;
  }

  /** The part of `prepare` that does not depend on the embedding. */
  async skips(features: ImageFeatures): Promise<TensorMap> {
    checkFeatures(features, this.#features);
    const maps = this.#features
      .slice(1)
      .map(({ name, shape }) => [name, new Tensor("float32", features[name]!.data, [1, ...shape])]);
    return this.#sessions.skips ? this.#sessions.skips.run(Object.fromEntries(maps)) : {};
  }

  /** One prompt on an embedding [d, s, s] of its own: all that the decoder says, nothing chosen yet. */
  async outputs(embedding: Float32Array, skips: TensorMap, prompt: NetworkPrompt): Promise<TensorMap> {
    const shape = [1, this.#width, this.#side, this.#side];
    const imageEmbed = new Tensor("float32", embedding, shape);
    const tokens = prompt.maskLogits
      ? await this.#tokensUnderMasks({ imageEmbed }, [prompt])
      : await this.#sessions.imageTokens.run({ image_embed: imageEmbed, dense_prompt: this.#noMask });
    return this.#sessions.decoder.run({ ...tokens, ...skips, ...this.#promptFeeds([prompt]) });
  }

  async release(): Promise<void> {
    await Promise.all(Object.values(this.#sessions).map((session: Session | null) => session?.release()));
  }

  async #tokensUnderMasks(
    image: Pick<PreparedFeatures, "imageEmbed">,
    prompts: readonly NetworkPrompt[],
  ): Promise<TensorMap> {
    const side = 4 * this.#side;
    const logits = new Float32Array(prompts.length * side * side);
    prompts.forEach(({ maskLogits }, index) => {
      if (maskLogits?.length !== side * side) {
        throw new UnSAMError(
          "E_BAD_PROMPT",
          `A mask prompt has ${maskLogits?.length ?? 0} logits; this model takes ${side} × ${side}.`,
        );
      }
      logits.set(maskLogits, index * side * side);
    });
    const mask_input = new Tensor("float32", logits, [prompts.length, 1, side, side]);
    const { dense_embedding } = await this.#sessions.maskPrompt.run({ mask_input });
    return this.#sessions.imageTokens.run({ image_embed: image.imageEmbed, dense_prompt: dense_embedding });
  }

  /** Rows of unequal length are filled up with tokens nobody attends to; so is a missing granularity. */
  #promptFeeds(prompts: readonly NetworkPrompt[]): TensorMap {
    const batch = prompts.length;
    const points = Math.max(1, ...prompts.map((prompt) => prompt.labels.length));
    const columns = points + (this.#rules.granularity ? 1 : 0);
    const coords = new Float32Array(batch * points * 2);
    const labels = new Int32Array(batch * points).fill(-1);
    const granularity = new Float32Array(batch);
    const bias = new Float32Array(batch * columns).fill(UNSEEN);
    prompts.forEach((prompt, row) => {
      coords.set(prompt.coords, row * points * 2);
      labels.set(prompt.labels, row * points);
      bias.fill(0, row * columns, row * columns + prompt.labels.length);
      if (prompt.granularity === null) return;
      if (!this.#rules.granularity) {
        throw new UnSAMError(
          "E_BAD_PROMPT",
          "This model is plain SAM 2 and takes no granularity; leave it out.",
        );
      }
      granularity[row] = prompt.granularity;
      bias[row * columns + points] = 0;
    });
    return {
      point_coords: new Tensor("float32", coords, [batch, points, 2]),
      point_labels: new Tensor("int32", labels, [batch, points]),
      prompt_bias: new Tensor("float32", bias, [batch, columns]),
      ...(this.#rules.granularity && { granularity: new Tensor("float32", granularity, [batch, 1]) }),
    };
  }
}

/** One row of the first axis of a float32 tensor, without copying. */
function rowOf(tensor: SessionTensor, row: number): Float32Array {
  const data = tensor.data as Float32Array;
  const length = data.length / tensor.dims[0];
  return data.subarray(row * length, (row + 1) * length);
}

import type { ImageFeatures, NetworkPrompt } from "#core/decoder/index.js";
import type { ModelConfig, WeightSource } from "#core/models/index.js";
import { gelu, layerNorm, linear, type Named, type Vector, vectorOf } from "../models/reference-math.js";

// Prompt encoder and mask decoder once more, as plainly as possible and in float64, for one prompt. It shares nothing
// with the graphs it checks.

export interface ReferenceAnswer {
  /** Masks of tokens 0 to 3 and, with granularity, the granularity mask: each [4s · 4s]. */
  readonly masks: readonly Vector[];
  readonly iou: Vector;
  readonly objectScore: number;
}

const HEADS = 8;
const GRANULARITY = "sam_mask_decoder.gra_token.weight";

/** The weights of a model, and what is computed with them alone. */
interface Reference {
  readonly config: ModelConfig;
  readonly has: (name: string) => boolean;
  readonly get: (name: string) => Named;
  readonly dense: (x: Vector, name: string) => Vector;
  readonly row: (name: string, index?: number) => Vector;
  readonly mlp: (x: Vector, names: readonly string[]) => Vector;
  /** Fourier features of a place, as shares of the photo's sides. */
  readonly encode: (u: number, v: number) => Vector;
}

export async function referenceDecoder(
  features: ImageFeatures,
  prompt: NetworkPrompt,
  config: ModelConfig,
  source: WeightSource,
): Promise<ReferenceAnswer> {
  const reference = await readReference(config, source);
  const { mlp, get, has } = reference;
  const side = config.imageSize / 16;
  const { image, tokens } = transform(
    reference,
    promptTokens(reference, prompt),
    imageTokens(reference, features, prompt),
  );

  const upscaled = upscale(image, side, features, get);
  const networks = [0, 1, 2, 3].map((i) => `sam_mask_decoder.output_hypernetworks_mlps.${i}`);
  const masks = networks.map((name, i) => ({ name, token: tokens[2 + i] }));
  if (has(GRANULARITY)) masks.push({ name: "sam_mask_decoder.gra_output_token_mlp", token: tokens[6] });
  return {
    // A model with granularity keeps the other mask heads in its file, but answers with its own.
    masks: masks
      .filter(({ name }) => has(`${name}.layers.0.weight`))
      .map(({ name, token }) => {
        const kernel = mlp(token, layers(name, 3));
        return vectorOf(upscaled.length, (pixel) =>
          kernel.reduce((sum, k, c) => sum + k * upscaled[pixel][c], 0),
        );
      }),
    iou: mlp(tokens[1], layers("sam_mask_decoder.iou_prediction_head", 3)).map((x) => 1 / (1 + Math.exp(-x))),
    objectScore: mlp(tokens[0], layers("sam_mask_decoder.pred_obj_score_head", 3))[0],
  };
}

async function readReference(config: ModelConfig, source: WeightSource): Promise<Reference> {
  const tensors = new Map<string, Named>();
  for (const name of source.tensors.keys()) {
    if (!name.startsWith("image_encoder")) tensors.set(name, await source.read(name));
  }
  const get = (name: string): Named => tensors.get(name)!;
  const dense = (x: Vector, name: string): Vector => linear(x, get(`${name}.weight`), get(`${name}.bias`));
  const width = config.neck.width;
  const gaussian = get("sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix");
  return {
    config,
    has: (name) => tensors.has(name),
    get,
    dense,
    row: (name, index = 0) => {
      const { data, shape } = get(name);
      return Float64Array.from(data.subarray(index * shape[1], (index + 1) * shape[1]));
    },
    mlp: (x, names) =>
      names.reduce((value, name, i) => {
        const next = dense(value, name);
        return i < names.length - 1 ? next.map((v) => Math.max(0, v)) : next;
      }, x),
    encode: (u, v) =>
      vectorOf(width, (c) => {
        const column = c % (width / 2);
        const phase =
          2 *
          Math.PI *
          ((2 * u - 1) * gaussian.data[column] + (2 * v - 1) * gaussian.data[width / 2 + column]);
        return c < width / 2 ? Math.sin(phase) : Math.cos(phase);
      }),
  };
}

function promptTokens({ config, has, row, encode, mlp }: Reference, prompt: NetworkPrompt): Vector[] {
  const initial = [row("sam_mask_decoder.obj_score_token.weight"), row("sam_mask_decoder.iou_token.weight")];
  for (let mask = 0; mask < 4; mask++) initial.push(row("sam_mask_decoder.mask_tokens.weight", mask));
  if (has(GRANULARITY)) initial.push(row("sam_mask_decoder.gra_token.weight"));
  prompt.labels.forEach((label, i) => {
    if (label === -1) {
      initial.push(row("sam_prompt_encoder.not_a_point_embed.weight"));
      return;
    }
    const [x, y] = [prompt.coords[2 * i], prompt.coords[2 * i + 1]];
    const position = encode((x + 0.5) / config.imageSize, (y + 0.5) / config.imageSize);
    initial.push(plus(position, row(`sam_prompt_encoder.point_embeddings.${label}.weight`)));
  });
  if (prompt.granularity !== null) {
    const g = prompt.granularity;
    const waves = vectorOf(128, (i) => {
      const phase = config.temperature ** (Math.floor(i / 2) / 64) * g;
      return i % 2 === 0 ? Math.sin(phase) : Math.cos(phase);
    });
    const names = [0, 3, 6].map((i) => `sam_prompt_encoder.fourier_embedder.mlp.mlp.${i}`);
    initial.push(plus(mlp(waves, names), row("sam_prompt_encoder.granularity_embedding.weight")));
  }
  return initial;
}

/** The image's tokens, and their positions. */
function imageTokens(
  { config, get, row, encode }: Reference,
  features: ImageFeatures,
  prompt: NetworkPrompt,
): { image: Vector[]; positions: Vector[] } {
  const width = config.neck.width;
  const side = config.imageSize / 16;
  const mask = prompt.maskLogits && maskEmbedding(prompt.maskLogits, side, get);
  const noMask = row("sam_prompt_encoder.no_mask_embed.weight");
  const positions: Vector[] = [];
  const image: Vector[] = [];
  for (let cell = 0; cell < side * side; cell++) {
    const [y, x] = [Math.floor(cell / side), cell % side];
    positions.push(encode((x + 0.5) / side, (y + 0.5) / side));
    image.push(
      vectorOf(
        width,
        (c) => features.image_embed.data[c * side * side + cell] + (mask ? mask[cell][c] : noMask[c]),
      ),
    );
  }
  return { image, positions };
}

/** Attention of several heads between all queries and keys. */
function attend(
  { dense }: Reference,
  name: string,
  queries: Vector[],
  keys: Vector[],
  values: Vector[],
): Vector[] {
  const q = queries.map((x) => dense(x, `${name}.q_proj`));
  const k = keys.map((x) => dense(x, `${name}.k_proj`));
  const v = values.map((x) => dense(x, `${name}.v_proj`));
  const dim = q[0].length / HEADS;
  return q.map((query) => {
    const mixed = new Float64Array(query.length);
    for (let head = 0; head < HEADS; head++) {
      const powers = k.map((key) => {
        let dot = 0;
        for (let c = head * dim; c < (head + 1) * dim; c++) dot += query[c] * key[c];
        return Math.exp(dot / Math.sqrt(dim));
      });
      const total = powers.reduce((sum, power) => sum + power, 0);
      v.forEach((value, i) => {
        for (let c = head * dim; c < (head + 1) * dim; c++) mixed[c] += (powers[i] / total) * value[c];
      });
    }
    return dense(mixed, `${name}.out_proj`);
  });
}

/** Two layers of attention both ways, and the last one of the tokens. */
function transform(
  reference: Reference,
  initial: Vector[],
  start: { image: Vector[]; positions: Vector[] },
): { image: Vector[]; tokens: Vector[] } {
  const { get, mlp } = reference;
  const transformer = "sam_mask_decoder.transformer";
  const norm = (xs: Vector[], name: string): Vector[] =>
    xs.map((x) => layerNorm(x, `${transformer}.${name}`, 1e-5, get));
  let tokens = initial;
  let { image } = start;
  const { positions } = start;
  for (const layer of [0, 1]) {
    const name = `layers.${layer}`;
    const self = `${transformer}.${name}.self_attn`;
    const placed = sums(tokens, initial);
    tokens =
      layer === 0
        ? attend(reference, self, tokens, tokens, tokens)
        : sums(tokens, attend(reference, self, placed, placed, tokens));
    tokens = norm(tokens, `${name}.norm1`);
    const toImage = `${transformer}.${name}.cross_attn_token_to_image`;
    tokens = sums(tokens, attend(reference, toImage, sums(tokens, initial), sums(image, positions), image));
    tokens = norm(tokens, `${name}.norm2`);
    tokens = sums(
      tokens,
      tokens.map((x) => mlp(x, layers(`${transformer}.${name}.mlp`, 2))),
    );
    tokens = norm(tokens, `${name}.norm3`);
    const toTokens = `${transformer}.${name}.cross_attn_image_to_token`;
    image = sums(image, attend(reference, toTokens, sums(image, positions), sums(tokens, initial), tokens));
    image = norm(image, `${name}.norm4`);
  }
  const final = `${transformer}.final_attn_token_to_image`;
  tokens = sums(tokens, attend(reference, final, sums(tokens, initial), sums(image, positions), image));
  tokens = norm(tokens, "norm_final_attn");
  return { image, tokens };
}

const layers = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name}.layers.${i}`);

function plus(a: Vector, b: Vector): Vector {
  return a.map((value, i) => value + b[i]);
}

function sums(a: readonly Vector[], b: readonly Vector[]): Vector[] {
  return a.map((vector, i) => plus(vector, b[i]));
}

/** Transposed 2 × 2 convolution with stride 2: pixel (y, x) comes from cell (y / 2, x / 2) alone. */
function deconvolve(
  map: readonly Vector[],
  side: number,
  name: string,
  get: (name: string) => Named,
): Vector[] {
  const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
  const outputs = weight.shape[1];
  return Array.from({ length: 4 * side * side }, (_, pixel) => {
    const [y, x] = [Math.floor(pixel / (2 * side)), pixel % (2 * side)];
    const cell = map[(y >> 1) * side + (x >> 1)];
    return vectorOf(outputs, (o) =>
      cell.reduce(
        (sum, value, c) => sum + value * weight.data[((c * outputs + o) * 2 + (y & 1)) * 2 + (x & 1)],
        bias.data[o],
      ),
    );
  });
}

function upscale(
  image: readonly Vector[],
  side: number,
  features: ImageFeatures,
  get: (name: string) => Named,
): Vector[] {
  const name = "sam_mask_decoder.output_upscaling";
  const skipped = (map: Vector[], skip: Named): Vector[] =>
    map.map((vector, pixel) => vector.map((value, c) => value + skip.data[c * map.length + pixel]));
  const once = skipped(deconvolve(image, side, `${name}.0`, get), features.high_res_1!).map((vector) =>
    layerNorm(vector, `${name}.1`, 1e-6, get).map(gelu),
  );
  return skipped(deconvolve(once, 2 * side, `${name}.3`, get), features.high_res_0!).map((vector) =>
    vector.map(gelu),
  );
}

function maskEmbedding(logits: Float32Array, side: number, get: (name: string) => Named): Vector[] {
  const name = "sam_prompt_encoder.mask_downscaling";
  const convolve = (map: readonly Vector[], from: number, position: number): Vector[] => {
    const [weight, bias] = [get(`${name}.${position}.weight`), get(`${name}.${position}.bias`)];
    const [outputs, inputs, kernel] = weight.shape;
    const to = from / kernel;
    return Array.from({ length: to * to }, (_, pixel) =>
      vectorOf(outputs, (o) => {
        let sum = bias.data[o];
        for (let c = 0; c < inputs; c++) {
          for (let i = 0; i < kernel; i++) {
            for (let j = 0; j < kernel; j++) {
              const [y, x] = [kernel * Math.floor(pixel / to) + i, kernel * (pixel % to) + j];
              sum += map[y * from + x][c] * weight.data[((o * inputs + c) * kernel + i) * kernel + j];
            }
          }
        }
        return sum;
      }),
    );
  };
  let map: Vector[] = Array.from(logits, (value) => Float64Array.of(value));
  map = convolve(map, 4 * side, 0).map((vector) => layerNorm(vector, `${name}.1`, 1e-6, get).map(gelu));
  map = convolve(map, 2 * side, 3).map((vector) => layerNorm(vector, `${name}.4`, 1e-6, get).map(gelu));
  return convolve(map, side, 6);
}

import type { ModelConfig, WeightSource } from "#core/models/index.js";
import { gelu, layerNorm, linear, type Named, type Vector, vectorOf } from "./reference-math.js";

// The image encoder once more, written as plainly as possible and in float64: one loop per formula, maps as
// [height][width] of channel vectors. It shares nothing with the graphs it checks.

type Grid = Vector[][];

export interface ReferenceFeatures {
  readonly image_embed: Float64Array;
  readonly high_res_0: Float64Array;
  readonly high_res_1: Float64Array;
  readonly stages: readonly Float64Array[];
}

export async function referenceEncoder(
  pixels: Float32Array,
  config: ModelConfig,
  source: WeightSource,
): Promise<ReferenceFeatures> {
  const tensors = new Map<string, Named>();
  for (const name of source.tensors.keys()) tensors.set(name, await source.read(name));
  const get = (name: string): Named => tensors.get(name)!;
  const trunk = "image_encoder.trunk";

  let map = patchEmbedding(pixels, config.imageSize, config, get);
  const side = map.length;
  const background = get(`${trunk}.pos_embed`);
  const window = get(`${trunk}.pos_embed_window`);
  map = map.map((row, y) =>
    row.map((vector, x) =>
      vector.map(
        (value, c) =>
          value +
          bicubic(background, c, y, x, side) +
          at(window, c, y % window.shape[2], x % window.shape[3]),
      ),
    ),
  );

  const levels = stages(map, config, get);
  const pyramid = featurePyramid(levels, config, get);
  const reduced = (level: 0 | 1): Float64Array => {
    const name = `sam_mask_decoder.conv_s${level}`;
    return planes(
      pyramid[level].map((row) =>
        row.map((vector) => linear(vector, get(`${name}.weight`), get(`${name}.bias`))),
      ),
    );
  };
  const noMemory = config.addNoMemoryEmbedding
    ? get("no_mem_embed").data
    : new Float32Array(config.neck.width);
  return {
    image_embed: planes(
      pyramid[2].map((row) => row.map((vector) => vector.map((value, c) => value + noMemory[c]))),
    ),
    high_res_0: reduced(0),
    high_res_1: reduced(1),
    stages: levels.map(planes),
  };
}

/** The maps after each of the four stages. */
function stages(start: Grid, config: ModelConfig, get: (name: string) => Named): Grid[] {
  let map = start;
  const levels: Grid[] = [];
  let index = 0;
  let heads = config.trunk.heads;
  let width = config.trunk.embedDim;
  for (let stage = 0; stage < 4; stage++) {
    for (let position = 0; position < config.trunk.stages[stage]; position++) {
      const opens = stage > 0 && position === 0;
      if (opens) {
        heads = Math.floor(heads * config.trunk.headMul);
        width = Math.floor(width * config.trunk.dimMul);
      }
      const windowSide = config.trunk.globalBlocks.includes(index)
        ? 0
        : config.trunk.windows[opens ? stage - 1 : stage];
      map = block(
        map,
        `image_encoder.trunk.blocks.${index}`,
        { heads, width, window: windowSide, pools: opens },
        config,
        get,
      );
      index++;
    }
    levels.push(map);
  }
  return levels;
}

function featurePyramid(levels: readonly Grid[], config: ModelConfig, get: (name: string) => Named): Grid[] {
  const lateral = levels.map((level, i) => {
    const name = `image_encoder.neck.convs.${3 - i}.conv`;
    return level.map((row) =>
      row.map((vector) => linear(vector, get(`${name}.weight`), get(`${name}.bias`))),
    );
  });
  const pyramid: Grid[] = [];
  for (let level = 3; level >= 0; level--) {
    const coarser = level < 3 && config.neck.topDownLevels.includes(level) ? pyramid[level + 1] : null;
    const divisor = coarser && config.neck.fuse === "avg" ? 2 : 1;
    const sum = (y: number, x: number): Vector =>
      lateral[level][y][x].map((value, c) => (value + (coarser?.[y >> 1][x >> 1][c] ?? 0)) / divisor);
    pyramid[level] = grid(lateral[level].length, sum);
  }
  return pyramid;
}

function at({ data, shape }: Named, c: number, y: number, x: number): number {
  return data[(c * shape[2] + y) * shape[3] + x];
}

function patchEmbedding(
  pixels: Float32Array,
  size: number,
  config: ModelConfig,
  get: (name: string) => Named,
): Grid {
  const weight = get("image_encoder.trunk.patch_embed.proj.weight");
  const bias = get("image_encoder.trunk.patch_embed.proj.bias").data;
  const [outputs, , height, width] = weight.shape;
  const [top, left] = config.trunk.patchPadding;
  return grid(size / 4, (y, x) =>
    vectorOf(outputs, (o) => {
      let sum = bias[o];
      for (let c = 0; c < 3; c++) {
        for (let i = 0; i < height; i++) {
          for (let j = 0; j < width; j++) {
            const [row, column] = [4 * y + i - top, 4 * x + j - left];
            if (row < 0 || column < 0 || row >= size || column >= size) continue;
            sum +=
              pixels[(c * size + row) * size + column] * weight.data[((o * 3 + c) * height + i) * width + j];
          }
        }
      }
      return sum;
    }),
  );
}

/** Sixteen taps with the cubic convolution kernel, a = −0.75; positions outside repeat the border. */
function bicubic(map: Named, c: number, y: number, x: number, side: number): number {
  const kernel = (distance: number): number => {
    const d = Math.abs(distance);
    if (d <= 1) return 1.25 * d ** 3 - 2.25 * d ** 2 + 1;
    return d < 2 ? -0.75 * d ** 3 + 3.75 * d ** 2 - 6 * d + 3 : 0;
  };
  const [, , height, width] = map.shape;
  const [v, u] = [((y + 0.5) * height) / side - 0.5, ((x + 0.5) * width) / side - 0.5];
  let sum = 0;
  for (let i = Math.floor(v) - 1; i <= Math.floor(v) + 2; i++) {
    for (let j = Math.floor(u) - 1; j <= Math.floor(u) + 2; j++) {
      const [row, column] = [Math.min(height - 1, Math.max(0, i)), Math.min(width - 1, Math.max(0, j))];
      sum += kernel(v - i) * kernel(u - j) * at(map, c, row, column);
    }
  }
  return sum;
}

interface BlockShape {
  readonly heads: number;
  readonly width: number;
  readonly window: number;
  readonly pools: boolean;
}

function block(
  map: Grid,
  name: string,
  shape: BlockShape,
  config: ModelConfig,
  get: (name: string) => Named,
): Grid {
  const eps = config.trunk.normEps;
  const normed = map.map((row) => row.map((vector) => layerNorm(vector, `${name}.norm1`, eps, get)));
  let shortcut = map;
  if (map[0][0].length !== shape.width) {
    shortcut = normed.map((row) =>
      row.map((v) => linear(v, get(`${name}.proj.weight`), get(`${name}.proj.bias`))),
    );
  }
  if (shape.pools) shortcut = maxPool(shortcut);
  const window = shape.window || map.length;
  const outgoing = shape.pools ? Math.floor(window / 2) : window;
  const size = shortcut.length;
  const result: Grid = grid(size, () => new Float64Array(0));
  const zero = new Float64Array(map[0][0].length);
  for (let top = 0; top * window < map.length; top++) {
    for (let left = 0; left * window < map.length; left++) {
      const tile = grid(window, (y, x) => normed[top * window + y]?.[left * window + x] ?? zero);
      const attended = attention(tile, `${name}.attn`, shape, get);
      attended.forEach((row, y) => {
        row.forEach((vector, x) => {
          const [to, across] = [top * outgoing + y, left * outgoing + x];
          if (to < size && across < size) result[to][across] = vector;
        });
      });
    }
  }
  return grid(size, (y, x) => {
    const merged = result[y][x].map((value, c) => value + shortcut[y][x][c]);
    const hidden = linear(
      layerNorm(merged, `${name}.norm2`, eps, get),
      get(`${name}.mlp.layers.0.weight`),
      get(`${name}.mlp.layers.0.bias`),
    ).map(gelu);
    const out = linear(hidden, get(`${name}.mlp.layers.1.weight`), get(`${name}.mlp.layers.1.bias`));
    return merged.map((value, c) => value + out[c]);
  });
}

function attention(
  tile: Grid,
  name: string,
  { heads, width, pools }: BlockShape,
  get: (name: string) => Named,
): Grid {
  const qkv = tile.map((row) =>
    row.map((vector) => linear(vector, get(`${name}.qkv.weight`), get(`${name}.qkv.bias`))),
  );
  let queries = qkv.map((row) => row.map((vector) => vector.slice(0, width)));
  if (pools) queries = maxPool(queries);
  const all = qkv.flat();
  const dim = width / heads;
  return queries.map((row) =>
    row.map((query) => {
      const mixed = new Float64Array(width);
      for (let head = 0; head < heads; head++) {
        const scores = all.map((other) => {
          let dot = 0;
          for (let c = 0; c < dim; c++) dot += query[head * dim + c] * other[width + head * dim + c];
          return dot / Math.sqrt(dim);
        });
        const top = Math.max(...scores);
        const powers = scores.map((score) => Math.exp(score - top));
        const total = powers.reduce((sum, power) => sum + power, 0);
        all.forEach((other, i) => {
          for (let c = 0; c < dim; c++)
            mixed[head * dim + c] += (powers[i] / total) * other[2 * width + head * dim + c];
        });
      }
      return linear(mixed, get(`${name}.proj.weight`), get(`${name}.proj.bias`));
    }),
  );
}

function maxPool(map: Grid): Grid {
  return grid(Math.floor(map.length / 2), (y, x) =>
    map[2 * y][2 * x].map((value, c) =>
      Math.max(value, map[2 * y][2 * x + 1][c], map[2 * y + 1][2 * x][c], map[2 * y + 1][2 * x + 1][c]),
    ),
  );
}

function grid(side: number, cell: (y: number, x: number) => Vector): Grid {
  return Array.from({ length: side }, (_, y) => Array.from({ length: side }, (_, x) => cell(y, x)));
}

function planes(map: Grid): Float64Array {
  const channels = map[0][0].length;
  return Float64Array.from({ length: channels * map.length ** 2 }, (_, i) => {
    const [c, cell] = [Math.floor(i / map.length ** 2), i % map.length ** 2];
    return map[Math.floor(cell / map.length)][cell % map.length][c];
  });
}

import { Mask } from "@unsam/sdk";
import { normalOf, pseudoRandom } from "@unsam/test-support";
import sharp from "sharp";

/** A picture of which the truth is known: flat shapes on a slow gradient, with noise. */
export interface Painted {
  readonly width: number;
  readonly height: number;
  /** The shapes; the first one is larger than a tile. */
  readonly truth: readonly Mask[];
  readonly png: Buffer;
}

const COLOURS = [
  [200, 60, 50],
  [60, 160, 70],
  [50, 80, 190],
  [220, 190, 60],
  [150, 60, 160],
  [60, 180, 190],
];

export async function paintedPicture(width: number, height: number, seed: number): Promise<Painted> {
  const random = pseudoRandom(seed);
  const discs = [{ x: 0.5 * width, y: 0.5 * height, r: 0.29 * height }];
  for (let tries = 0; discs.length < 24 && tries < 2000; tries++) {
    const r = 24 + 32 * random();
    const [x, y] = [r + 8 + random() * (width - 2 * r - 16), r + 8 + random() * (height - 2 * r - 16)];
    if (discs.every((d) => Math.hypot(d.x - x, d.y - y) > d.r + r + 16)) discs.push({ x, y, r });
  }
  const owner = new Uint8Array(width * height);
  discs.forEach(({ x, y, r }, i) => {
    for (let row = Math.floor(y - r); row <= y + r; row++) {
      for (let column = Math.floor(x - r); column <= x + r; column++) {
        if (Math.hypot(column - x, row - y) < r) owner[row * width + column] = i + 1;
      }
    }
  });
  const normal = () => normalOf(random);
  const rgb = new Uint8ClampedArray(3 * width * height);
  for (let i = 0; i < owner.length; i++) {
    const ground = 120 + (30 * (i % width)) / width;
    for (let c = 0; c < 3; c++) {
      const colour = owner[i] === 0 ? ground : COLOURS[owner[i] % COLOURS.length][c];
      rgb[3 * i + c] = colour + 3 * normal();
    }
  }
  const truth = discs.map((_, d) =>
    Mask.fromBytes(
      width,
      height,
      owner.map((o) => Number(o === d + 1)),
    ),
  );
  const png = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return { width, height, truth, png };
}

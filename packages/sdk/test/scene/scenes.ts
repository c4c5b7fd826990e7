import { type EncodedImage, SceneHierarchy, UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";

export const photo = inRepository("docs", "images", "fruit-board.jpg");

/** Scenes of a photo, of different making: a forest of regions, clicked regions of five settings, noise of a network. */
export async function someScenes(): Promise<{ name: string; scene: SceneHierarchy }[]> {
  const tree = await UnSAM.load({ model: "region-tree" });
  const network = await UnSAM.load({ model: smallNetwork });
  const image = await tree.encode(photo);
  const noise = await network.encode(photo);
  const scenes = [
    { name: "regions", scene: await image.everything() },
    { name: "clicks", scene: await image.everything({ prompting: "grid", pointsPerSide: 12 }) },
    { name: "network", scene: await noise.everything({ ...ANYTHING, pointsPerSide: 8 }) },
    { name: "nothing", scene: await noise.everything({ predictedIou: 1, pointsPerSide: 2 }) },
  ];
  await tree.dispose();
  await network.dispose();
  return scenes;
}

/** The random network of the repository, whose masks pass no sensible threshold. */
export const smallNetwork = {
  checkpoint: inRepository("packages", "core", "fixtures", "unsamv2-mini", "checkpoint.safetensors"),
  config: inRepository("packages", "core", "fixtures", "unsamv2-mini", "config.json"),
};
export const ANYTHING = { predictedIou: 0, stability: 0 };

/** A small scene of random rectangles with scores and granularities: some empty, some twice, some nested. */
export function randomScene(random: () => number, most = 14): Promise<SceneHierarchy> {
  const [width, height] = [1 + Math.floor(random() * 70), 1 + Math.floor(random() * 24)];
  const count = Math.floor(random() * most);
  const data = new Float32Array(count * width * height).fill(-1);
  for (let k = 0; k < count; k++) {
    const [x0, y0] = [Math.floor(random() * width), Math.floor(random() * height)];
    const [x1, y1] = [x0 + random() * width, y0 + random() * height];
    for (let y = y0; y < Math.min(height, y1); y++) {
      for (let x = x0; x < Math.min(width, x1); x++) {
        if (random() < 0.95) data[(k * height + y) * width + x] = random() * 4;
      }
    }
  }
  const values = () => Array.from({ length: count }, () => Math.floor(random() * 8) / 8);
  const facts = { scores: values(), granularities: values() };
  return SceneHierarchy.fromLogits({ count, width, height, data }, facts);
}

export type { EncodedImage };

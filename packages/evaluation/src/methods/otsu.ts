import type { RgbImage } from "@unsam/core/image";
import { findComponents, labelMap, Mask } from "@unsam/core/mask";
import type { Method } from "./method.js";
import { preparePartitions } from "./partitions.js";

/**
 * The oldest baseline: the image in two by Otsu's threshold of its brightness; the answer to a click is the connected
 * component (4-neighbours) of its side of the threshold. No granularity.
 */
export function otsuMethod(): Method {
  return {
    info: {
      name: "otsu",
      description: "Connected component at the click after Otsu's threshold of brightness; no granularity.",
      levels: [],
      chooses: true,
      fingerprint: null,
    },
    async prepare(image) {
      const { width, height } = image;
      return preparePartitions({ width, height, levels: [], partitions: [otsuComponents(image)] });
    },
    async dispose() {},
  };
}

/** Component of each pixel: bright ones and dark ones, numbered apart. */
export function otsuComponents(image: RgbImage): Int32Array {
  const { width, height } = image;
  const grey = brightness(image);
  const threshold = otsuThreshold(grey);
  const bright = Mask.fromBytes(
    width,
    height,
    grey.map((value) => (value > threshold ? 1 : 0)),
  );
  const dark = Mask.fromBytes(
    width,
    height,
    grey.map((value) => (value > threshold ? 0 : 1)),
  );
  const components = findComponents(bright.words, width, height, 8);
  const labels = labelMap(components, width, height);
  const others = labelMap(findComponents(dark.words, width, height, 8), width, height);
  for (let i = 0; i < labels.length; i++)
    if (labels[i] === 0) labels[i] = components.areas.length + others[i];
  return labels;
}

/** Rec. 601 luma, rounded to 0…255. */
function brightness({ data }: RgbImage): Uint8Array {
  const grey = new Uint8Array(data.length / 3);
  for (let i = 0, p = 0; i < grey.length; i++, p += 3) {
    grey[i] = Math.round(0.299 * data[p] + 0.587 * data[p + 1] + 0.114 * data[p + 2]);
  }
  return grey;
}

/**
 * The threshold t that splits values into ≤ t and > t with the largest variance between the two classes, the lowest of
 * equals (Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE Trans. SMC 9:62–66, 1979).
 */
export function otsuThreshold(grey: Uint8Array): number {
  const histogram = new Float64Array(256);
  for (const value of grey) histogram[value]++;
  let total = 0;
  for (let value = 0; value < 256; value++) total += value * histogram[value];
  let best = 0;
  let widest = -1;
  let below = 0;
  let sumBelow = 0;
  for (let t = 0; t < 255; t++) {
    below += histogram[t];
    sumBelow += t * histogram[t];
    const above = grey.length - below;
    if (below === 0 || above === 0) continue;
    const between = below * above * (sumBelow / below - (total - sumBelow) / above) ** 2;
    if (between > widest) [best, widest] = [t, between];
  }
  return best;
}

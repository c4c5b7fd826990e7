import { decodeImage } from "@unsam/core/image";
import { Mask, unpackMask } from "@unsam/core/mask";
import { operationsAt } from "@unsam/core/operations";
import { buildRegionTreeWith } from "@unsam/core/region-tree";
import { type LabelFile, type LabelInfo, labelFile } from "../label-file.js";
import { type LabelKernels, labelByNetwork, labelByTree, type UnpackedOutput } from "../label-image.js";
import type { NetworkOutput } from "./backbone.js";

// Worker side of a labelling: one image after the other, each from its file to the text of its label file.

/** The text of a label file, and how many labels it has. */
export interface Labelled {
  readonly text: string;
  readonly count: number;
}

/**
 * `addon`: path of the native addon, null where TypeScript does the work, with the same result. `output`: what a network
 * gives for the image; null: region trees are grown.
 */
export async function labelOne(
  file: string,
  image: Pick<LabelFile["image"], "file_name" | "id">,
  info: LabelInfo,
  addon: string | null,
  output: NetworkOutput | null,
): Promise<Labelled> {
  const photo = await decodeImage(file);
  const kernels = kernelsAt(addon);
  const families = output
    ? await labelByNetwork(photo, unpacked(output), kernels)
    : await labelByTree(photo, kernels);
  const { width, height } = photo;
  const labels = labelFile({ ...image, width, height }, info, families);
  return { text: `${JSON.stringify(labels)}\n`, count: labels.annotations.length };
}

function unpacked({ embedding, masks }: NetworkOutput): UnpackedOutput {
  if (masks === null) return { embedding, masks };
  const candidates = masks.map(({ mask, predictedIou, stability }) => ({
    mask: new Mask(mask.width, mask.height, unpackMask(mask)),
    predictedIou: Math.min(1, Math.max(0, predictedIou)),
    stability,
  }));
  return { embedding, masks: candidates };
}

/** One thread each: there is a worker for every core. */
function kernelsAt(addon: string | null): LabelKernels {
  const { buildRegionHierarchy, mergePatches } = operationsAt(addon === null ? null : { addon, threads: 1 });
  return {
    growTree: (image, options) => buildRegionTreeWith(buildRegionHierarchy, image, options),
    mergePatches,
  };
}

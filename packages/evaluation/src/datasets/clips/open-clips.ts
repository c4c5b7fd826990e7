import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { readFileBytes, shown } from "@unsam/core/files";
import { Mask } from "@unsam/core/mask";
import { labelMasks } from "../../label-masks.js";
import { isFolder, list } from "../files.js";
import { readLabelMap } from "../label-maps/read-label-map.js";
import { readSplit } from "./read-split.js";

/** How a data set of videos lies on disk. */
export type ClipLayout = "davis" | "sa-v";

/** A video whose objects are outlined on some frames. */
export interface AnnotatedClip {
  readonly name: string;
  readonly layout: ClipLayout;
  /** Files, in their order. */
  readonly frames: readonly string[];
  /** Places in `frames` that are annotated, ascending. */
  readonly annotated: readonly number[];
  /** Where each object's mask lies; DAVIS has all of them in one file. */
  readonly files: readonly AnnotationFile[];
  /** Maps hold 0 and 255 alone: one object (DAVIS 2016), and no pixels that do not count. */
  readonly isSingle: boolean;
}

interface AnnotationFile {
  readonly frame: number;
  /** null: a map of all objects. */
  readonly object: string | null;
  readonly file: string;
}

/** Label of pixels that no score counts (DAVIS). */
const VOID = 255;

const LAYOUTS = [
  { layout: "davis", frames: ["JPEGImages", "480p"], annotations: ["Annotations", "480p"] },
  {
    layout: "davis",
    frames: ["JPEGImages", "Full-Resolution"],
    annotations: ["Annotations", "Full-Resolution"],
  },
  { layout: "sa-v", frames: ["JPEGImages_24fps"], annotations: ["Annotations_6fps"] },
] as const;

export interface OpenClipsOptions {
  /** A list of the data set: only its videos are taken, in its order (`readSplit`). */
  readonly split?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The annotated clips of a folder in the layout of DAVIS or SA-V, by name. Throws `E_BAD_FILE`, `E_BAD_OPTION` (no such list), `E_IO`,
 * or the signal's reason.
 */
export async function openClips(
  root: string,
  { split, signal }: OpenClipsOptions = {},
): Promise<AnnotatedClip[]> {
  for (const { layout, frames, annotations } of LAYOUTS) {
    const [photos, masks] = [path.join(root, ...frames), path.join(root, ...annotations)];
    if (!(await isFolder(photos)) || !(await isFolder(masks))) continue;
    const clips: AnnotatedClip[] = [];
    for (const name of await namesOf(root, masks, split)) {
      signal?.throwIfAborted();
      clips.push(await openClip(layout, name, path.join(photos, name), path.join(masks, name)));
    }
    if (clips.length > 0) return clips;
  }
  throw new UnSAMError(
    "E_BAD_FILE",
    `${shown(root)} has no annotated videos: there is neither JPEGImages/480p beside Annotations/480p (DAVIS) nor JPEGImages_24fps beside Annotations_6fps (SA-V)${await elsewhere(root)}.`,
  );
}

async function namesOf(root: string, masks: string, split: string | undefined): Promise<string[]> {
  const there: string[] = [];
  for (const name of await list(masks)) if (await isFolder(path.join(masks, name))) there.push(name);
  if (split === undefined) return there;
  const { file, names } = await readSplit(root, split);
  const missing = names.find((name) => !there.includes(name));
  if (missing === undefined) return [...names];
  throw new UnSAMError(
    "E_BAD_FILE",
    `${shown(file)} names the video ${shown(missing)}, which is not in ${shown(masks)}; unpack it there, or take another list.`,
  );
}

/** Whoever names the folder above is told the one below. */
async function elsewhere(root: string): Promise<string> {
  for (const name of await list(root)) {
    for (const { frames } of LAYOUTS) {
      if (await isFolder(path.join(root, name, ...frames))) return `; give ${shown(path.join(root, name))}`;
    }
  }
  return "";
}

async function openClip(
  layout: ClipLayout,
  name: string,
  photos: string,
  masks: string,
): Promise<AnnotatedClip> {
  const names = (await list(photos)).filter((file) => /\.(jpe?g|png)$/i.test(file));
  if (names.length === 0) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `The frames of ${shown(masks)} are missing: ${shown(photos)} ${(await isFolder(photos)) ? "has no JPEG and no PNG" : "is not there"}.`,
    );
  }
  const place = new Map(names.map((file, i) => [path.parse(file).name, i]));
  const files: AnnotationFile[] = [];
  const take = async (folder: string, object: string | null) => {
    for (const file of (await list(folder)).filter((one) => one.toLowerCase().endsWith(".png"))) {
      const frame = place.get(path.parse(file).name);
      if (frame === undefined) {
        throw new UnSAMError(
          "E_BAD_FILE",
          `${shown(path.join(folder, file))} belongs to no frame of ${shown(photos)}.`,
        );
      }
      files.push({ frame, object, file: path.join(folder, file) });
    }
  };
  if (layout === "davis") await take(masks, null);
  else for (const object of await list(masks)) await take(path.join(masks, object), object);
  if (files.length === 0) throw new UnSAMError("E_BAD_FILE", `${shown(masks)} has no PNG with a mask.`);
  const annotated = [...new Set(files.map(({ frame }) => frame))].sort((a, b) => a - b);
  const isSingle = layout === "davis" && (await holdsOneObject(files[0].file));
  return { name, layout, frames: names.map((file) => path.join(photos, file)), annotated, files, isSingle };
}

async function holdsOneObject(file: string): Promise<boolean> {
  const { data } = await readLabelMap(file);
  return data.includes(VOID) && data.every((label) => label === 0 || label === VOID);
}

/** The objects of a frame, and which pixels count (null: all). */
export interface FrameTruth {
  readonly masks: ReadonlyMap<string, Mask>;
  readonly ignored: Mask | null;
}

/** Reads what is outlined on a frame of a clip. Throws `E_BAD_FILE`, `E_IO`. */
export async function readFrameTruth(
  clip: AnnotatedClip,
  at: number,
  size: { readonly width: number; readonly height: number },
): Promise<FrameTruth> {
  const masks = new Map<string, Mask>();
  let ignored: Mask | null = null;
  for (const { frame, object, file } of clip.files) {
    if (frame !== at) continue;
    if (object !== null) {
      const mask = await Mask.fromPNG(await readFileBytes(file, { what: "The mask" }));
      checkSize(file, mask, size);
      masks.set(object, mask);
      continue;
    }
    const labels = await readLabelMap(file, size);
    for (const [label, mask] of labelMasks(labels.data, labels.width, labels.height)) {
      if (label === VOID && clip.isSingle) masks.set("1", mask);
      else if (label === VOID) ignored = mask;
      else if (label > 0) masks.set(`${label}`, mask);
    }
  }
  return { masks, ignored };
}

function checkSize(file: string, mask: Mask, { width, height }: { width: number; height: number }): void {
  if (mask.width === width && mask.height === height) return;
  throw new UnSAMError(
    "E_BAD_FILE",
    `${shown(file)} is ${mask.width}×${mask.height}, but its frame is ${width}×${height}.`,
  );
}

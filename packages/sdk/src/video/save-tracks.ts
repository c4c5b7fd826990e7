import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { makeFolder, shown, writePieces, writeWhole, writeWholeFolder } from "@unsam/core/files";
import { toPNG } from "@unsam/core/image";
import sharp from "sharp";
import { checkApart, type FrameSize, maskOf, type RecordedMask, type Tracks } from "./track-record.js";

/** How tracks are written; docs/video.md tells of each. */
export type TrackFormat = "tracks" | "youtube-vis" | "coco-vid" | "mots" | "davis" | "sa-v";
export const TRACK_FORMATS: readonly TrackFormat[] = [
  "tracks",
  "youtube-vis",
  "coco-vid",
  "mots",
  "davis",
  "sa-v",
];

export interface SavedVideo extends FrameSize {
  readonly length: number | null;
  readonly model: { readonly name: string; readonly family: string };
}

/** Frames that were written, of how many. */
export type OnProgress = (progress: { readonly done: number; readonly total: number }) => void;

export interface SaveJob {
  readonly tracks: Tracks;
  readonly video: SavedVideo;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress | undefined;
}

/** The format that a name asks for. Throws `E_BAD_OPTION`. */
export function trackFormatOf(file: string): TrackFormat {
  const end = path.extname(file).toLowerCase();
  if (end === ".json") return "tracks";
  if (end === ".txt") return "mots";
  throw new UnSAMError(
    "E_BAD_OPTION",
    `The name ${shown(file)} tells no format; end it with .json or .txt, or give format: ${TRACK_FORMATS.join(", ")}.`,
  );
}

export async function saveTracks(file: string, format: TrackFormat, job: SaveJob): Promise<void> {
  if (format === "davis") return writeWholeFolder(file, (folder) => writeLabelMaps(folder, job));
  if (format === "sa-v") return writeWholeFolder(file, (folder) => writeMasks(folder, job));
  await writePieces(file, WRITERS[format](job), job.signal);
}

const WRITERS: Readonly<Record<Exclude<TrackFormat, "davis" | "sa-v">, (job: SaveJob) => Iterable<string>>> =
  {
    tracks: tracksJson,
    "youtube-vis": youtubeVisJson,
    "coco-vid": cocoVidJson,
    mots: motsText,
  };

const rleOf = ({ counts }: RecordedMask, { width, height }: FrameSize) => ({ size: [height, width], counts });

/** Pieces of a JSON list. */
function* listed<Item>(items: Iterable<Item>, text: (item: Item) => string): Generator<string> {
  let isFirst = true;
  for (const item of items) {
    yield isFirst ? text(item) : `,${text(item)}`;
    isFirst = false;
  }
}

/** Our own form; its schema is docs/schemas/tracks.schema.json. */
function* tracksJson({ tracks, video }: SaveJob): Generator<string> {
  const { width, height, length, model } = video;
  const head = JSON.stringify({ width, height, length, model });
  yield `${head.slice(0, -1)},"objects":[`;
  for (const [i, { id, frames }] of tracks.objects.entries()) {
    yield `${i > 0 ? "," : ""}{"id":${id},"frames":[`;
    yield* listed(frames, ([frame, mask]) => {
      const { isPresent, score, objectScore, granularity, area } = mask;
      const time = tracks.times.get(frame) ?? null;
      const rle = rleOf(mask, video);
      return JSON.stringify({ frame, time, isPresent, score, objectScore, granularity, area, rle });
    });
    yield "]}";
  }
  yield "]}\n";
}

const CATEGORIES = JSON.stringify([{ id: 1, name: "object" }]);
const frameName = (frame: number, end: string) => `${String(frame).padStart(5, "0")}${end}`;

/** Frames of the video, as far as they are known. */
function lengthOf({ tracks, video }: SaveJob): number {
  return Math.max(video.length ?? 0, tracks.frames.at(-1)! + 1);
}

/** The mean of the scores on the frames where the object is. */
function scoreOf(masks: readonly RecordedMask[]): number {
  const seen = masks.filter(({ area }) => area > 0);
  return seen.length === 0 ? 0 : seen.reduce((sum, { score }) => sum + score, 0) / seen.length;
}

/** One annotation for each object, with a list over all frames: null where it is not. */
function* youtubeVisJson(job: SaveJob): Generator<string> {
  const { tracks, video } = job;
  const { width, height } = video;
  const length = lengthOf(job);
  const numbers = Array.from({ length }, (_, frame) => frame);
  yield `{"videos":[{"id":1,"width":${width},"height":${height},"length":${length},"file_names":[`;
  yield* listed(numbers, (frame) => JSON.stringify(frameName(frame, ".jpg")));
  yield `]}],"categories":${CATEGORIES},"annotations":[`;
  for (const [i, { id, frames }] of tracks.objects.entries()) {
    const score = scoreOf([...frames.values()]);
    const head = { id, video_id: 1, category_id: 1, iscrowd: 0, width, height, length, score };
    yield `${i > 0 ? "," : ""}${JSON.stringify(head).slice(0, -1)}`;
    const seen = (frame: number) => {
      const mask = frames.get(frame);
      return mask && mask.area > 0 ? mask : null;
    };
    for (const [key, text] of [
      ["segmentations", (mask: RecordedMask) => JSON.stringify(rleOf(mask, video))],
      ["bboxes", (mask: RecordedMask) => JSON.stringify(mask.bbox)],
      ["areas", (mask: RecordedMask) => String(mask.area)],
    ] as const) {
      yield `,"${key}":[`;
      yield* listed(numbers, (frame) => {
        const mask = seen(frame);
        return mask ? text(mask) : "null";
      });
      yield "]";
    }
    yield "}";
  }
  yield "]}\n";
}

/** One annotation for each object on each frame, with the number of the object as `instance_id`. */
function* cocoVidJson({ tracks, video }: SaveJob): Generator<string> {
  const { width, height } = video;
  yield `{"videos":[{"id":1,"name":"video"}],"categories":${CATEGORIES},"images":[`;
  yield* listed(tracks.frames, (frame) =>
    JSON.stringify({
      id: frame + 1,
      video_id: 1,
      frame_id: frame,
      file_name: frameName(frame, ".jpg"),
      width,
      height,
    }),
  );
  yield '],"annotations":[';
  let annotation = 0;
  for (const { id, frames } of tracks.objects) {
    for (const [frame, mask] of frames) {
      if (mask.area === 0) continue;
      const { area, bbox, score } = mask;
      const places = { id: ++annotation, video_id: 1, image_id: frame + 1, category_id: 1, instance_id: id };
      const segmentation = rleOf(mask, video);
      const item = { ...places, iscrowd: 0, bbox, area, segmentation, score };
      yield `${annotation > 1 ? "," : ""}${JSON.stringify(item)}`;
    }
  }
  yield "]}\n";
}

/** `frame object class height width counts`; objects are 1000 × class + number, all of class 1. */
function* motsText({ tracks, video }: SaveJob): Generator<string> {
  for (const frame of tracks.frames) {
    const masks = objectsOn(tracks, frame, video);
    checkApart(masks, frame, "MOTS");
    for (const { id, counts } of masks) {
      yield `${frame} ${1000 + id} 1 ${video.height} ${video.width} ${counts}\n`;
    }
  }
}

/** Objects that are on a frame. */
function objectsOn(tracks: Tracks, frame: number, size: FrameSize) {
  return tracks.objects.flatMap(({ id, frames }) => {
    const found = frames.get(frame);
    return found && found.area > 0 ? [{ id, counts: found.counts, mask: maskOf(found, size) }] : [];
  });
}

/** As DAVIS: one label map for each frame, whose pixels are the numbers of the objects. */
async function writeLabelMaps(folder: string, { tracks, video, signal, onProgress }: SaveJob): Promise<void> {
  const { width, height } = video;
  const last = tracks.objects.at(-1)!.id;
  if (last > 255) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `A label map of 8 bits has no room for object ${last}; choose the format "sa-v".`,
    );
  }
  for (const [done, frame] of tracks.frames.entries()) {
    signal.throwIfAborted();
    const masks = objectsOn(tracks, frame, video);
    checkApart(masks, frame, "A label map");
    const labels = new Uint8Array(width * height);
    for (const { id, mask } of masks) {
      const own = mask.toBytes(id);
      for (let i = 0; i < own.length; i++) labels[i] |= own[i];
    }
    const picture = sharp(labels, { raw: { width, height, channels: 1 }, limitInputPixels: false });
    await writeWhole(path.join(folder, frameName(frame, ".png")), await toPNG(picture.toColourspace("b-w")));
    onProgress?.({ done: done + 1, total: tracks.frames.length });
  }
}

/** As SA-V: a folder for each object, a mask for each frame. */
async function writeMasks(folder: string, { tracks, video, signal, onProgress }: SaveJob): Promise<void> {
  let done = 0;
  const total = tracks.objects.reduce((sum, { frames }) => sum + frames.size, 0);
  for (const { id, frames } of tracks.objects) {
    const own = path.join(folder, String(id).padStart(3, "0"));
    await makeFolder(own);
    for (const [frame, mask] of frames) {
      signal.throwIfAborted();
      await writeWhole(path.join(own, frameName(frame, ".png")), await maskOf(mask, video).toPNG());
      onProgress?.({ done: ++done, total });
    }
  }
}

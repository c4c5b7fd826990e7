import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { writeWhole, writeWholeFolder } from "@unsam/core/files";
import type { RLE } from "@unsam/core/mask";
import type { RenderStyle, TrackFormat, Video } from "@unsam/sdk";
import { checkDistinct, checkPlace } from "../check-writable.js";

/** An object on one frame, in the document of `--json`. */
export interface FrameReport {
  readonly frame: number;
  readonly time: number | null;
  readonly isPresent: boolean;
  readonly score: number;
  readonly objectScore: number;
  readonly area: number;
  readonly rle: RLE;
}

export interface OutputFlags {
  readonly out?: string;
  readonly masks?: string;
  readonly format?: TrackFormat;
  readonly style?: RenderStyle;
}

/** What is written, and where. */
export interface Outputs {
  readonly out?:
    | { readonly kind: "render"; readonly path: string; readonly style: RenderStyle }
    | { readonly kind: "save"; readonly path: string; readonly format: TrackFormat | undefined }
    | { readonly kind: "folder"; readonly path: string };
  /** Folder of masks. */
  readonly masks?: string;
}

const DRAWN = [".mp4", ".webm", ".gif", ".webp"];
const SAVED = [".json", ".txt"];

/** Checks, before anything is tracked, that it can be written. Throws `E_BAD_OPTION`. */
export async function planOutputs(given: string, flags: OutputFlags): Promise<Outputs> {
  const { out, masks, format, style } = flags;
  await checkDistinct(
    [["the video", given]],
    [
      ["--out", out],
      ["--masks", masks],
    ],
  );
  const folder = masks === undefined ? {} : { masks };
  if (out === undefined) {
    const [option] = Object.entries({ format, style }).find(([, value]) => value !== undefined) ?? [];
    if (option !== undefined) throw bad(`--${option} says how --out is written; give --out, too.`);
    return folder;
  }
  const end = path.extname(out).toLowerCase();
  const isDrawn = DRAWN.includes(end);
  if (isDrawn && format !== undefined)
    throw bad(`--format is for tracks, but --out is ${out}, which is drawn.`);
  if (!isDrawn && style !== undefined) {
    throw bad(`--style is for a drawn video (${DRAWN.join(", ")}), but --out is ${out}.`);
  }
  if (end === ".mp4" && style === "cutout") {
    throw bad("An MP4 has no transparency; give --out a name that ends in .webm, .webp or .gif.");
  }
  if (isDrawn || SAVED.includes(end)) await checkPlace("--out", out);
  if (isDrawn) return { ...folder, out: { kind: "render", path: out, style: style ?? "overlay" } };
  if (format !== undefined || SAVED.includes(end))
    return { ...folder, out: { kind: "save", path: out, format } };
  if (end !== "" && /^\.[a-z0-9]{2,4}$/.test(end)) {
    throw bad(`--out is ${out}; end it with ${[...DRAWN, ...SAVED].join(", ")}, or name a folder.`);
  }
  return { ...folder, out: { kind: "folder", path: out } };
}

export interface TrackDocument {
  readonly frames: readonly FrameReport[];
}

/** Names of what is written, for the document. */
export function filesOf(outputs: Outputs, frames: readonly FrameReport[]) {
  const folder = foldersOf(outputs)[0];
  return {
    masks: folder === undefined ? null : frames.map(({ frame }) => path.join(folder, maskName(frame))),
    out: outputs.out === undefined || outputs.out.kind === "folder" ? null : outputs.out.path,
  };
}

/** Folders that get masks. */
function foldersOf({ out, masks }: Outputs): string[] {
  return [...(masks === undefined ? [] : [masks]), ...(out?.kind === "folder" ? [out.path] : [])];
}

export async function writeOutputs(
  outputs: Outputs,
  {
    video,
    document,
    signal,
    onProgress,
  }: {
    readonly video: Video;
    readonly document: TrackDocument;
    readonly signal: AbortSignal;
    readonly onProgress: (text: string) => void;
  },
): Promise<void> {
  const { out } = outputs;
  const { Mask } = await import("@unsam/core/mask");
  for (const folder of foldersOf(outputs)) {
    await writeWholeFolder(folder, async (temporary) => {
      for (const { frame, rle } of document.frames) {
        signal.throwIfAborted();
        await writeWhole(path.join(temporary, maskName(frame)), await Mask.fromRLE(rle).toPNG());
      }
      if (folder !== out?.path) return;
      await writeWhole(path.join(temporary, "tracks.json"), `${JSON.stringify(document)}\n`);
    });
  }
  const told = {
    signal,
    onProgress: (at: { done: number; total: number }) =>
      onProgress(`Writing: ${at.done} of ${at.total} frames`),
  };
  if (out?.kind === "render") await video.render(out.path, { style: out.style, ...told });
  if (out?.kind === "save") await video.save(out.path, { format: out.format, ...told });
}

function maskName(frame: number): string {
  return `${String(frame).padStart(5, "0")}.png`;
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_OPTION", message);
}

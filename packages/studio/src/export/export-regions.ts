import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { readFileText } from "@unsam/core/files";
import { Mask, sceneOfMasks, writeAnnotations } from "@unsam/sdk";
import type { ExportRequest, RegionWithMask } from "./export-request.js";
import { svgOf } from "./svg.js";

export interface ExportedFile {
  readonly name: string;
  readonly text: string;
}

export interface Exported {
  readonly files: readonly ExportedFile[];
  /** What the files do not tell, a line each. */
  readonly lost: readonly string[];
}

const MOST_TEXT_BYTES = 256 * 2 ** 20;

/** Throws `E_BAD_FILE` for malformed run lengths, and what writing throws. */
export async function exportRegions(request: ExportRequest, signal: AbortSignal): Promise<Exported> {
  const { format, photo } = request;
  const regions: RegionWithMask[] = [];
  for (const { counts, ...region } of request.regions) {
    regions.push({ ...region, mask: Mask.fromRLE({ size: [photo.height, photo.width], counts }) });
    await new Promise(setImmediate);
    signal.throwIfAborted();
  }
  const stem = path.posix.parse(photo.name.replaceAll("\\", "/")).name || "photo";
  if (format === "svg")
    return { files: [{ name: `${stem}.svg`, text: await svgOf(photo, regions) }], lost: [] };
  return throughFolder(stem, signal, async (folder) => {
    if (format === "scene") {
      const scene = await sceneOfMasks(regions, { maxIoU: 1, signal });
      await scene.save(path.join(folder, "out.scene.json"), { signal });
      return ["names and colours of objects"];
    }
    const image = { fileName: photo.name, width: photo.width, height: photo.height, regions };
    const end = { coco: "out.coco.json", labelme: "out.labelme.json", yolo: "" }[format];
    const { lost } = await writeAnnotations(path.join(folder, end), [image], { format, signal });
    return lost;
  });
}

/** Has files written into a folder of their own, and brings their texts, named after the photo. */
async function throughFolder(
  stem: string,
  signal: AbortSignal,
  write: (folder: string) => Promise<readonly string[]>,
): Promise<Exported> {
  const folder = await mkdtemp(path.join(tmpdir(), "unsam-studio-"));
  try {
    const lost = await write(folder);
    const files: ExportedFile[] = [];
    for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      const text = await readFileText(file, {
        what: "The export",
        code: "E_IO",
        maxBytes: MOST_TEXT_BYTES,
        signal,
      });
      files.push({ name: entry.name.replace(/^out(?=\.)/, stem), text });
    }
    return { files, lost };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

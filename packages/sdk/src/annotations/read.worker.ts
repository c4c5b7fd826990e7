import { callersAbort, move } from "@unsam/core/runtime";
import { type ReadingOptions, readAnnotationFiles } from "./read-files.js";

// Worker side: files may be hundreds of megabytes.

export async function read(where: string, options: ReadingOptions) {
  const stored = await readAnnotationFiles(where, options, callersAbort);
  const shapes = stored.images.flatMap(({ regions }) => regions.map(({ shape }) => shape));
  const buffers = shapes.flatMap((shape) => (shape.kind === "mask" ? [shape.mask.data] : []));
  return move(stored, ...buffers);
}

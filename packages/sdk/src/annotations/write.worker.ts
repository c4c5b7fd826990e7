import type { AnnotatedImage } from "@unsam/core/annotation-record";
import { callersAbort } from "@unsam/core/runtime";
import { type WritingOptions, writeAnnotationFiles } from "./write-files.js";

// Worker side: thousands of masks take a while.

export function write(where: string, images: readonly AnnotatedImage[], options: WritingOptions) {
  return writeAnnotationFiles(where, images, options, callersAbort);
}

import type { Abortable } from "../abortable.js";
import type { GeoTransform } from "../georeference/index.js";
import type { Budget } from "../limits/index.js";
import type { AnnotationFormat } from "./known-formats.js";
import type { AnnotatedImage } from "./record.js";

/** A format with its reader and its writer. A value: `codecs.ts` lists all of them. */
export interface AnnotationCodec extends AnnotationFormat {
  /** Whether parsed JSON, or text, of a file without one of the suffixes is of this format. */
  recognises(content: unknown): boolean;
  /** The text of a file, in pieces: all of it may be longer than a string can be. Throws `E_BAD_OPTION`, and what the signal throws. */
  write(images: readonly AnnotatedImage[], context: WriteContext): Iterable<string> | AsyncIterable<string>;
  /** Reads an untrusted file: parsed JSON, or text. Throws `E_BAD_FILE`, and what the signal throws. */
  read(content: unknown, context: ReadContext): Promise<AnnotatedImage[]>;
}

export interface WriteContext {
  /** Counts masks that are made of outlines. */
  readonly budget: Budget;
  readonly signal: Abortable;
  /** Names of classes, for formats that number them. */
  readonly classes: readonly string[];
  /** Where the image lies on a map; null: coordinates are pixels. */
  readonly georeference: GeoTransform | null;
}

/** A photo that annotations are of. */
export interface AnnotatedPhoto {
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  /** Where it lies on a map; null: nobody says. */
  readonly georeference: GeoTransform | null;
}

export interface ReadContext {
  /** Begins the sentences of errors: “a.json”. */
  readonly name: string;
  /** Counts what masks take, and those that are made of outlines. */
  readonly budget: Budget;
  readonly maxPixels: number | undefined;
  readonly signal: Abortable;
  /** The photo, for formats that do not give its size; null: none was found. */
  readonly photo: AnnotatedPhoto | null;
  /** Names of classes by number; null: none were found. */
  readonly classes: readonly string[] | null;
  /** Tells the user of something that was left out or taken otherwise; the same thing is counted. */
  note(what: string): void;
}

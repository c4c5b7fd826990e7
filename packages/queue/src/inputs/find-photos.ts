import { stat } from "node:fs/promises";
import { openRegularFile, photosBelow } from "@unsam/core/files";
import { S3Store } from "../s3/s3-store.js";
import { locationOf, textOf } from "./location.js";
import { readLines } from "./read-lines.js";

/** Where photos are named. */
export interface PhotoNames {
  /** Photos, folders (with those below them), s3://BUCKET/KEY, s3://BUCKET/PREFIX/. */
  readonly inputs?: readonly string[] | undefined;
  /** A file of such names, one a line. */
  readonly list?: string | undefined;
  /** The same as it comes in. */
  readonly lines?: AsyncIterable<Uint8Array> | undefined;
}

/** Names of photos one by one, as they are found: never all at once. Throws `E_IO`, `E_BAD_OPTION`, or the signal's reason. */
export async function* findPhotos(
  { inputs = [], list, lines }: PhotoNames,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (const input of inputs) yield* photosOf(input, signal);
  if (list !== undefined) {
    const { handle } = await openRegularFile(list, { what: "The list", code: "E_BAD_FILE", signal });
    try {
      const pieces = handle.createReadStream({ autoClose: false });
      for await (const line of readLines(pieces, `The list ${list}`)) yield* photosOf(line, signal);
    } finally {
      await handle.close();
    }
  }
  if (lines === undefined) return;
  for await (const line of readLines(lines, "Standard input")) yield* photosOf(line, signal);
}

async function* photosOf(input: string, signal: AbortSignal): AsyncGenerator<string> {
  const location = locationOf(input);
  if (location.kind === "file") {
    const found = await stat(location.path).catch(() => null);
    if (found?.isDirectory()) yield* photosBelow(location.path, signal);
    // A missing file is reported when it is read.
    else yield location.path;
    return;
  }
  if (location.key === "" || location.key.endsWith("/")) {
    yield* (await S3Store.open(location.bucket)).photosBelow(location.key, signal);
  } else yield textOf(location);
}

import { UnSAMError } from "@unsam/core/errors";
import { DEFAULT_MAX_FILE_BYTES, readPieces } from "@unsam/core/files";
import { DEFAULT_DOWNLOAD_SECONDS, DEFAULT_MAX_DOWNLOAD, type ImageFlags } from "./image-flags.js";
import type { ImageSource } from "./image-source.js";

/**
 * What the SDK takes for a photo: a path of a file that begins like an image, or bytes that do. Throws `E_BAD_IMAGE`,
 * `E_DOWNLOAD`, `E_OFFLINE`, or the signal's reason.
 */
export async function openImage(
  source: ImageSource,
  flags: ImageFlags,
  signal: AbortSignal,
): Promise<string | Uint8Array> {
  if (source.path !== null) {
    const { checkImageFile } = await import("@unsam/core/image");
    await checkImageFile(source.path, signal);
    return source.path;
  }
  if (source.kind === "stdin") return readStandardInput(flags, signal);
  const [{ checkFormat }, { fetchBytes }] = await Promise.all([
    import("@unsam/core/image"),
    import("@unsam/core/store"),
  ]);
  const { maxDownload = DEFAULT_MAX_DOWNLOAD, downloadTimeout = DEFAULT_DOWNLOAD_SECONDS } = flags;
  return fetchBytes(source.given, {
    what: "image",
    maxBytes: maxDownload,
    timeoutMs: 1000 * downloadTimeout,
    signal,
    look: (head) => checkFormat(head, `The image “${source.given}”`),
  });
}

/** The photo on standard input, bounded as a file of it would be. */
async function readStandardInput({ maxPixels = 0 }: ImageFlags, signal: AbortSignal): Promise<Uint8Array> {
  const { checkFormat } = await import("@unsam/core/image");
  const { stdin } = process;
  if (stdin.isTTY) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      "Standard input is a terminal; name a file, or lead one in: unsam … - < FILE.",
    );
  }
  const name = "The image of standard input";
  const stop = () => stdin.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await readPieces(stdin, {
      name,
      code: "E_BAD_IMAGE",
      maxBytes: Math.max(DEFAULT_MAX_FILE_BYTES, 8 * maxPixels),
      signal,
      look: (head) => checkFormat(head, name),
    });
  } finally {
    signal.removeEventListener("abort", stop);
    stdin.destroy();
  }
}

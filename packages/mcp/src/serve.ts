import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { UnSAM } from "@unsam/sdk";
import { EncodedPhotos, type EncodedPhotosOptions } from "./encoded-photos.js";
import { mcpServer } from "./mcp-server.js";
import { PhotoFolders } from "./photo-folders.js";

export interface ServeOptions extends EncodedPhotosOptions {
  readonly unsam: UnSAM;
  /** Folders whose photos may be read. */
  readonly roots: readonly string[];
  readonly signal: AbortSignal;
  /** Gets what goes wrong besides answers; standard output holds the protocol alone. */
  readonly tell: (sentence: string) => void;
}

/** Answers one host over standard input and output, until it closes them or the signal says so. Throws `E_IO`. */
export async function serveTools({ unsam, roots, signal, tell, ...options }: ServeOptions): Promise<void> {
  const folders = await PhotoFolders.open(roots);
  signal.throwIfAborted();
  await using images = new EncodedPhotos(unsam, folders, options);
  const closed = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve);
    process.stdin.once("close", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const handle = serveStdio(() => mcpServer(images, tell), { onerror: ({ message }) => tell(message) });
  await closed;
  await handle.close();
}

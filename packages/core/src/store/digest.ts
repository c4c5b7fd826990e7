import { createHash, type Hash } from "node:crypto";
import type { Abortable } from "../abortable.js";
import { openRegularFile, piecesOf } from "../files/index.js";

/** What a file's content must be, by a sum of it. */
export type Sum =
  /** Of the content, as Git LFS names it. */
  | { readonly kind: "sha256"; readonly hex: string }
  /** Of the content behind a header, as git names it. */
  | { readonly kind: "git"; readonly hex: string };

/** What the name of a blob in the cache, which is its ETag, says about its content; null: nothing. */
export function sumOfEtag(etag: string): Sum | null {
  if (/^[0-9a-f]{64}$/.test(etag)) return { kind: "sha256", hex: etag };
  return /^[0-9a-f]{40}$/.test(etag) ? { kind: "git", hex: etag } : null;
}

/** Computes SHA-256, and what `sum` needs, from pieces. `bytes`: of the whole content, as far as it is known. */
export class Digest {
  readonly #sum: Sum | null;
  readonly #sha256: Hash = createHash("sha256");
  readonly #git: Hash | null;

  constructor(sum: Sum | null, bytes: number | null) {
    this.#sum = sum;
    this.#git = sum?.kind === "git" && bytes !== null ? createHash("sha1").update(`blob ${bytes}\0`) : null;
  }

  update(piece: Uint8Array): void {
    this.#sha256.update(piece);
    this.#git?.update(piece);
  }

  /** Ends it. `matches`: whether the content is what was expected; true where nothing was. */
  end(): { sha256: string; matches: boolean } {
    const sha256 = this.#sha256.digest("hex");
    const found = this.#sum?.kind === "sha256" ? sha256 : this.#git?.digest("hex");
    return { sha256, matches: this.#sum === null || found === undefined || found === this.#sum.hex };
  }
}

/** Reads a whole file for its sums. Throws `E_IO`, or the signal's reason. */
export async function digestOfFile(
  file: string,
  sum: Sum | null,
  { signal, onBytes }: { signal?: Abortable | undefined; onBytes?: (bytes: number, total: number) => void },
): Promise<{ sha256: string; matches: boolean }> {
  const { handle, size } = await openRegularFile(file, { what: "The model", signal });
  try {
    const digest = new Digest(sum, size);
    let at = 0;
    for await (const piece of piecesOf(handle, signal)) {
      digest.update(piece);
      at += piece.length;
      onBytes?.(at, size);
    }
    return digest.end();
  } finally {
    await handle.close();
  }
}

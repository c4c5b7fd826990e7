import { shownValue, UnSAMError } from "@unsam/core/errors";
import type { ImageInput } from "@unsam/core/image";
import { checkKeys } from "@unsam/core/options";
import { abortable } from "@unsam/core/runtime";
import type { EncodedImage } from "./encoded-image.js";
import type { EncodeOptions } from "./photo-encoder.js";

/** Photos one after the other: a list, a generator, a stream of files. */
export type ImageInputs = Iterable<ImageInput> | AsyncIterable<ImageInput>;

/** Encodes one photo. */
type Encode = (image: ImageInput, options: EncodeOptions) => Promise<EncodedImage>;

/**
 * Encodes photos in their order, a few ahead of whoever takes them. Photos ahead are released when the loop is left, or when
 * one photo fails. Throws what `encode` throws, and the reason of `signal`.
 * @param ahead photos that are taken from the input before the first of them is given on
 */
export async function* encodeAll(
  images: ImageInputs,
  options: EncodeOptions,
  encode: Encode,
  ahead: number,
): AsyncGenerator<EncodedImage, void, undefined> {
  const { signal, maxPixels } = options;
  const next = inputsOf(images);
  const left = new AbortController();
  const stop = left.signal;
  const onAbort = () => left.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  // Nothing of it stays with a signal that outlives this.
  signal?.addEventListener("abort", onAbort, { once: true });
  const waiting: Promise<EncodedImage | null>[] = [];
  let last: Promise<IteratorResult<ImageInput>> = Promise.resolve({ done: false, value: "" });
  const add = () => {
    // One after the other: not every iterator takes a second call before it has answered the first.
    last = last.then((before) => (before.done ? before : next.take()));
    const taken = last;
    const encoded = abortable(taken, stop).then(({ done, value }) =>
      done ? null : encode(value, { maxPixels, signal: stop }),
    );
    // It is told in its turn, or to nobody where the loop is left before.
    encoded.catch(() => {});
    waiting.push(encoded);
  };
  try {
    for (let i = 0; i < ahead; i++) add();
    for (;;) {
      const image = await waiting[0];
      waiting.shift();
      if (image === null) return;
      add();
      yield image;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    left.abort(new DOMException("Nobody takes the rest of the photos.", "AbortError"));
    next.end();
    for (const one of waiting) one.then((image) => image?.dispose()).catch(() => {});
  }
}

/** Throws `E_BAD_OPTION` for what is one photo and not many: a path and bytes can be iterated over, too. */
export function checkEncodeAll(images: ImageInputs, options: EncodeOptions): void {
  checkKeys(options, ["signal", "maxPixels"], "encodeAll");
  const isOne =
    typeof images !== "object" || images === null || ArrayBuffer.isView(images) || "pipe" in images;
  if (!isOne && (Symbol.iterator in images || Symbol.asyncIterator in images)) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `encodeAll takes many photos, but was given ${shownValue(images)}; give a list or an (async) iterable of them.`,
  );
}

function inputsOf(images: ImageInputs) {
  const iterator =
    Symbol.asyncIterator in images ? images[Symbol.asyncIterator]() : images[Symbol.iterator]();
  return {
    take: async (): Promise<IteratorResult<ImageInput>> => iterator.next(),
    /** Whoever gives the photos is told that no more are wanted; that may take until it has given the next one. */
    end: () => {
      const told = async () => iterator.return?.();
      told().catch(() => {});
    },
  };
}

// COCO's run lengths, column by column: runs of pixels that are not in the mask and that are, in turn.

/** The numbers of the compressed text; its form is described in the SDK (`core/src/mask/rle-string.ts`). */
export function readCounts(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    for (let shift = 1; ; shift *= 32) {
      const code = text.charCodeAt(at++) - 48;
      value += (code & 31) * shift;
      if (code >= 32) continue;
      if (code & 16) value -= shift * 32;
      break;
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}

/** Run lengths of a mask of one byte a pixel, row by row; uncompressed, as the service takes them, too. */
export function countsOf(pixels: Uint8Array, width: number, height: number): number[] {
  const counts: number[] = [];
  let inside = 0;
  let run = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0, at = x; y < height; y++, at += width) {
      if ((pixels[at] === 0 ? 0 : 1) === inside) run++;
      else {
        counts.push(run);
        inside ^= 1;
        run = 1;
      }
    }
  }
  counts.push(run);
  return counts;
}

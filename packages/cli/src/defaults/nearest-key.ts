/** The key that is most like a wrong one, where one is like it: at most two fifths of its letters differ. */
export function nearestKey(wrong: string, keys: readonly string[]): string | null {
  const text = simplified(wrong.slice(0, 64));
  let best: string | null = null;
  let least = Math.max(1, Math.floor(0.4 * text.length)) + 1;
  for (const key of keys) {
    const distance = editDistance(text, simplified(key));
    if (distance < least) [best, least] = [key, distance];
  }
  return best;
}

/** `maxPixels` and `max_pixels` are meant as `max-pixels`. */
function simplified(key: string): string {
  return key.replace(/[-_]/g, "").toLowerCase();
}

/** Levenshtein's distance: letters that are put in, left out or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

import { createHash } from "node:crypto";

/** Bytes of a file's name that every usual file system takes. */
const MOST_NAME_BYTES = 255;

/**
 * The name of a file that is made of another one: its name and a suffix. Where that is longer than file systems allow, the
 * name is cut, and 12 digits of its SHA-256 tell it from others that begin alike: `long-na~0123456789ab.json`.
 */
export function outputName(name: string, suffix: string): string {
  if (Buffer.byteLength(name + suffix) <= MOST_NAME_BYTES) return name + suffix;
  const end = `~${createHash("sha256").update(name).digest("hex").slice(0, 12)}${suffix}`;
  let left = MOST_NAME_BYTES - Buffer.byteLength(end);
  let kept = "";
  for (const character of name) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    kept += character;
  }
  return kept + end;
}

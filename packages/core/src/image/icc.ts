/**
 * Whether an ICC profile says of itself that it is sRGB (its description, in ASCII or UTF-16), so that converting to
 * sRGB would change nothing but rounding. Profiles of printers and of grey scales are none, whatever their name.
 */
export function isSrgbProfile(icc: Uint8Array): boolean {
  const bytes = Buffer.from(icc.buffer, icc.byteOffset, icc.byteLength);
  // ICC.1:2022, 7.2: the colour space of the data is at offset 16 of the header, the table of tags at 128.
  if (bytes.length < 132 || bytes.toString("latin1", 16, 20) !== "RGB ") return false;
  const tags = Math.min(bytes.readUInt32BE(128), Math.floor((bytes.length - 132) / 12));
  for (let i = 0; i < tags; i++) {
    const entry = 132 + i * 12;
    if (bytes.toString("latin1", entry, entry + 4) !== "desc") continue;
    const start = bytes.readUInt32BE(entry + 4);
    const text = bytes.toString("latin1", start, start + bytes.readUInt32BE(entry + 8)).replaceAll("\0", "");
    return /\bsRGB\b/.test(text) && !/linear/i.test(text);
  }
  return false;
}

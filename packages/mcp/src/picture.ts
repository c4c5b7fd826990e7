import sharp from "sharp";

/** A host shows it in a conversation, and a model reads it: neither takes more. */
const LONGEST_SIDE = 1024;

export interface Picture {
  readonly type: "image";
  readonly mimeType: "image/jpeg";
  /** Base64. */
  readonly data: string;
}

/** What the SDK drew, small enough for a conversation. */
export async function pictureOf(drawn: Buffer): Promise<Picture> {
  const small = await sharp(drawn)
    .resize({ width: LONGEST_SIDE, height: LONGEST_SIDE, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 82 })
    .toBuffer();
  return { type: "image", mimeType: "image/jpeg", data: small.toString("base64") };
}

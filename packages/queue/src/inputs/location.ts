import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";

/** Where something lies: a file or folder that every machine of the run sees under this path, or in a bucket. */
export type Location =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "s3"; readonly bucket: string; readonly key: string };

/** Throws `E_BAD_OPTION` for an address that is none of S3. */
export function locationOf(text: string): Location {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: "file", path: path.resolve(text) };
  const [, bucket, key = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(text) ?? [];
  if (bucket !== undefined && Buffer.byteLength(key) <= 1024) return { kind: "s3", bucket, key };
  throw new UnSAMError(
    "E_BAD_OPTION",
    `${shown(text)} is neither a path nor s3://BUCKET/KEY; fetch photos of the web first.`,
  );
}

export function textOf(location: Location): string {
  return location.kind === "file" ? location.path : `s3://${location.bucket}/${location.key}`;
}

/** The name of the file, without folders. */
export function nameOf(location: Location): string {
  return location.kind === "file" ? path.basename(location.path) : (location.key.split("/").at(-1) ?? "");
}

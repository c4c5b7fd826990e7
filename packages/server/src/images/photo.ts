/** A photo as it was received. */
export interface Photo {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, hexadecimal. */
  readonly digest: string;
}

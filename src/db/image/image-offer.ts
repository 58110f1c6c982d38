// What is said of an image before its bytes: which state it is, how large it is, and its digest.
// The page docs/formats/image.md describes the file.

/** Version of an image's bytes: a database file, compressed with zstd. */
export const imageFormatVersion = 1;

/** An image's particulars. */
export interface ImageOffer {
  /** The last entry that the database holds. */
  readonly index: number;
  readonly term: number;
  /** Bytes of the image as it travels. */
  readonly bytes: number;
  /** Bytes of the database file in it. */
  readonly rawBytes: number;
  /** SHA-256 of the image as it travels, hexadecimal. */
  readonly digest: string;
}

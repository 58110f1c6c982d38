// What the node says to the processes that make an image and take one in.
import type { ImageOffer } from '#db/image/image-offer.ts';
import type { TakenImage } from '#db/image/take-image.ts';
import { bytesCodec, emptyCodec, jsonCodec, type Method, type SeamCodec } from '#process/seam.ts';

/** What did not work, with a reason for the log and the peer. */
export interface ImageFailed {
  readonly kind: 'failed';
  readonly reason: string;
}

/** A made image, readable as long as its process lives. */
export type ImageMade =
  | { readonly kind: 'made'; readonly offer: ImageOffer; readonly readMs: number }
  | ImageFailed;

/** A piece of an image. */
export interface ImagePiece {
  readonly position: number;
  readonly bytes: number;
}

/** What a process needs to take an image in. */
export interface ImageIntakeStart {
  readonly folder: string;
  readonly cluster: string;
  readonly offer: ImageOffer;
}

/** What came of a whole image. */
export type ImageFinished = ({ readonly kind: 'taken' } & TakenImage) | ImageFailed;

/** A place in a file and how many bytes from there. */
export const pieceCodec: SeamCodec<ImagePiece> = {
  encode: ({ position, bytes }) => {
    const out = Buffer.alloc(16);
    out.writeDoubleLE(position, 0);
    out.writeDoubleLE(bytes, 8);
    return out;
  },
  decode: (bytes) => ({ position: bytes.readDoubleLE(0), bytes: bytes.readDoubleLE(8) }),
};

/** Makes an image of the data folder's current state; the only request of its kind. */
export const makeImageOf: Method<{ readonly folder: string }, ImageMade> = {
  kind: 1,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** A piece of the made image; shorter than asked for at its end. */
export const readImage: Method<ImagePiece, Uint8Array> = {
  kind: 2,
  request: pieceCodec,
  reply: bytesCodec,
};

/** Prepares for an image; an empty `reason`: its bytes may come. */
export const startIntake: Method<ImageIntakeStart, { readonly reason: string }> = {
  kind: 3,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** The next bytes; the answer comes when they are written. */
export const takeBytes: Method<Uint8Array, { readonly reason: string }> = {
  kind: 4,
  request: { encode: (bytes) => bytes, decode: (bytes) => bytes },
  reply: jsonCodec(),
};

/** All bytes are there: checks them and makes a generation of them that is not in use yet. */
export const finishIntake: Method<undefined, ImageFinished> = {
  kind: 5,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** The generation is not wanted after all. */
export const discardIntake: Method<undefined, undefined> = {
  kind: 6,
  request: emptyCodec,
  reply: emptyCodec,
};

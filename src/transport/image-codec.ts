// Frames of a connection that carries one image: what it is, and how far it has come. The bytes of
// the image are frames of their own, without an envelope.
import { WireWriter } from '#command/wire.ts';
import type { ImageAnnouncement } from './transport.ts';
import { broken, type Decoded, decoded, type FieldType, WireFields } from './wire-fields.ts';

/** How far the receiver has come. */
export interface ImageProgress {
  /** Bytes that are on its disk; the first of these frames, with 0, accepts the image. */
  readonly received: number;
  /** All of it is there, checked, and will be used. */
  readonly taken: boolean;
}

const digestBytes = 32;

const announcementFields: Readonly<Record<number, FieldType>> = {
  1: 'varint',
  2: 'varint',
  3: 'varint',
  4: 'varint',
  5: 'varint',
  6: 'varint',
  7: 'bytes',
};

/** The payload of an image offer. */
export const encodeImageOffer = (image: ImageAnnouncement): Buffer => {
  const writer = new WireWriter();
  writer.varintField(1, image.formatVersion);
  writer.varintField(2, image.senderTerm);
  writer.varintField(3, image.index);
  writer.varintField(4, image.term);
  writer.varintField(5, image.bytes);
  writer.varintField(6, image.rawBytes);
  writer.bytesField(7, Buffer.from(image.digest, 'hex'));
  return writer.finish();
};

/** An image offer, or why it is none. */
export const decodeImageOffer = (payload: Buffer): Decoded<ImageAnnouncement> =>
  decoded(() => {
    const fields = new WireFields(payload, announcementFields, 1);
    const digest = fields.bytes(7);
    if (digest.length !== digestBytes) throw broken(`a digest of ${digest.length} bytes`);
    const image: ImageAnnouncement = {
      formatVersion: fields.varint(1),
      senderTerm: fields.varint(2),
      index: fields.varint(3),
      term: fields.varint(4),
      bytes: fields.varint(5),
      rawBytes: fields.varint(6),
      digest: digest.toString('hex'),
    };
    const { index, term, bytes, rawBytes, senderTerm } = image;
    if ([index, term, bytes, rawBytes].includes(0)) throw broken('an image of nothing');
    if (term > senderTerm) throw broken('an image of a later term than its sender');
    return image;
  });

/** The payload of a progress frame. */
export const encodeImageProgress = ({ received, taken }: ImageProgress): Buffer => {
  const writer = new WireWriter();
  if (received > 0) writer.varintField(1, received);
  if (taken) writer.varintField(2, 1);
  return writer.finish();
};

/** Progress, or why it is none. */
export const decodeImageProgress = (payload: Buffer): Decoded<ImageProgress> =>
  decoded(() => {
    const fields = new WireFields(payload, { 1: 'varint', 2: 'varint' }, 1);
    return { received: fields.varint(1), taken: fields.flag(2) };
  });

// The sending end of one image: offers it, and sends as much as the receiver's window takes. One
// chunk at a time is read, so memory stays small whatever the image's size.
import { imageChunkBytes, imageWindowBytes } from './bounds.ts';
import { frameKind } from './frame-kind.ts';
import { decodeImageProgress, encodeImageOffer } from './image-codec.ts';
import { type ImageFrames, imageDeadlineMs } from './image-frames.ts';
import type { PeerConnection } from './peer-connection.ts';
import type { ImageEnd, OutgoingImage } from './transport.ts';

/** See the head of this file. */
export class ImageSending implements ImageFrames {
  readonly #image: OutgoingImage;
  readonly #sinceMs: number;
  #connection: PeerConnection | undefined;
  #accepted = false;
  #sent = 0;
  #received = 0;
  #pumping = false;
  #ended = false;

  constructor(image: OutgoingImage, nowMs: number) {
    this.#image = image;
    this.#sinceMs = nowMs;
  }

  /** The connection is ready. */
  start(connection: PeerConnection): void {
    this.#connection = connection;
    connection.carryImage(this);
    const offer = encodeImageOffer(this.#image.announcement);
    connection.sendImageFrame(frameKind.imageOffer, offer);
  }

  onFrame(kind: number, payload: Buffer): string | undefined {
    if (kind !== frameKind.imageProgress) return `frame kind ${kind} in answer to an image`;
    const progress = decodeImageProgress(payload);
    if (progress.kind === 'broken') return progress.why;
    const { received, taken } = progress.value;
    if (taken) {
      this.#end({ kind: 'taken' });
      this.#connection?.close('the image was taken');
      return undefined;
    }
    if (received > this.#sent || received < this.#received) return 'progress out of order';
    this.#accepted = true;
    this.#received = received;
    void this.#pump();
    return undefined;
  }

  overdue(nowMs: number): string | undefined {
    const late = nowMs - this.#sinceMs >= imageDeadlineMs(this.#image.announcement.rawBytes);
    return late ? 'the image takes too long' : undefined;
  }

  onClosed(reason: string): void {
    this.fail(reason);
  }

  /** It cannot be sent; says so once. */
  fail(reason: string): void {
    this.#end({ kind: 'failed', reason });
  }

  async #pump(): Promise<void> {
    if (this.#pumping || !this.#accepted) return;
    this.#pumping = true;
    const { bytes } = this.#image.announcement;
    while (!this.#ended && this.#sent < bytes) {
      const wanted = Math.min(imageChunkBytes, bytes - this.#sent);
      if (this.#sent + wanted - this.#received > imageWindowBytes) break;
      const chunk = await this.#image.read(this.#sent, wanted).catch(() => undefined);
      if (this.#ended) return;
      if (chunk?.length !== wanted) {
        this.#connection?.close('the image can no longer be read');
        return;
      }
      this.#sent += wanted;
      this.#connection?.sendImageFrame(frameKind.imageChunk, chunk);
    }
    this.#pumping = false;
  }

  #end(end: ImageEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#image.onEnd(end);
  }
}

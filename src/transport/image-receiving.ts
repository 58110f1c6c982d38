// The receiving end of one image: takes the offer, hands the bytes on and says how far it has come.
// The sender never is ahead by more than a window, so a slow disk costs no memory. What the bytes
// mean is not looked at here.
import { imageChunkBytes, imageOfferTimeoutMs, imageWindowBytes } from './bounds.ts';
import { frameKind } from './frame-kind.ts';
import { decodeImageOffer, encodeImageProgress } from './image-codec.ts';
import { type ImageFrames, imageDeadlineMs } from './image-frames.ts';
import type { PeerConnection } from './peer-connection.ts';
import type {
  ImageAnnouncement,
  ImageTaker,
  IncomingImage,
  TransportOptions,
} from './transport.ts';

/** See the head of this file. */
export class ImageReceiving implements ImageFrames, IncomingImage {
  readonly #connection: PeerConnection;
  readonly #options: Pick<TransportOptions, 'onImage' | 'monotonicMs'>;
  #sinceMs: number;
  #image: ImageAnnouncement | undefined;
  #taker: ImageTaker | undefined;
  #arrived = 0;
  #acknowledged = 0;

  constructor(
    connection: PeerConnection,
    options: Pick<TransportOptions, 'onImage' | 'monotonicMs'>,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#sinceMs = options.monotonicMs();
    connection.carryImage(this);
  }

  onFrame(kind: number, payload: Buffer): string | undefined {
    if (kind === frameKind.imageOffer) return this.#onOffer(payload);
    if (kind === frameKind.imageChunk) return this.#onChunk(payload);
    return `frame kind ${kind} on the connection of an image`;
  }

  overdue(nowMs: number): string | undefined {
    const waited = nowMs - this.#sinceMs;
    if (this.#image === undefined) {
      return waited >= imageOfferTimeoutMs ? 'no offer of an image in time' : undefined;
    }
    return waited >= imageDeadlineMs(this.#image.rawBytes) ? 'the image takes too long' : undefined;
  }

  onClosed(reason: string): void {
    this.#taker?.onClosed(reason);
  }

  accept(taker: ImageTaker): void {
    this.#taker = taker;
    this.#tell(false);
  }

  acknowledge(bytes: number): void {
    this.#acknowledged += bytes;
    this.#tell(false);
  }

  taken(): void {
    this.#acknowledged = this.#image?.bytes ?? 0;
    this.#tell(true);
    this.#connection.close('the image was taken');
  }

  refuse(reason: string): void {
    this.#connection.decline(reason);
  }

  #onOffer(payload: Buffer): string | undefined {
    if (this.#image !== undefined) return 'a second image on one connection';
    const offer = decodeImageOffer(payload);
    if (offer.kind === 'broken') return offer.why;
    this.#image = offer.value;
    this.#sinceMs = this.#options.monotonicMs();
    this.#options.onImage(this.#connection.proved.name, offer.value, this);
    return undefined;
  }

  #onChunk(payload: Buffer): string | undefined {
    if (this.#image === undefined || this.#taker === undefined) return 'bytes of no image';
    if (payload.length === 0 || payload.length > imageChunkBytes) {
      return `${payload.length} bytes of an image at once`;
    }
    this.#arrived += payload.length;
    if (this.#arrived > this.#image.bytes) return 'an image longer than announced';
    if (this.#arrived - this.#acknowledged > imageWindowBytes) return 'more than the window holds';
    this.#taker.onChunk(payload);
    return undefined;
  }

  #tell(taken: boolean): void {
    const progress = encodeImageProgress({ received: this.#acknowledged, taken });
    this.#connection.sendImageFrame(frameKind.imageProgress, progress);
  }
}

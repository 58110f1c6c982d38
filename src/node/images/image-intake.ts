// One image on its way into this node: its bytes go from the connection to the process that writes
// and checks them, never faster than that writes.
import type { ImageOffer } from '#db/image/image-offer.ts';
import {
  discardIntake,
  finishIntake,
  type ImageFinished,
  startIntake,
  takeBytes,
} from '#node/seams/image-seam.ts';
import type { ImageTaker, IncomingImage } from '#transport/transport.ts';
import { type ImageProcess, startImageProcess } from './image-process.ts';

const gone = 'the process that checks the image ended';

/** What an intake is opened with. */
export interface ImageIntakeOptions {
  readonly folder: string;
  readonly cluster: string;
  readonly offer: ImageOffer;
  readonly incoming: IncomingImage;
  /** The image is whole and checked, or it is over. Called once. */
  readonly onFinished: (finished: ImageFinished) => void;
}

/** See the head of this file. */
export class ImageIntakeProcess implements ImageTaker {
  readonly ended: Promise<unknown>;
  readonly #options: ImageIntakeOptions;
  readonly #process: ImageProcess;
  #written = 0;
  #finished = false;

  constructor(options: ImageIntakeOptions) {
    this.#options = options;
    this.#process = startImageProcess('intake-main', 'stockade-intake', () => this.#fail(gone));
    this.ended = this.#process.ended;
    const { folder, cluster, offer, incoming } = options;
    this.#process.seam.call(startIntake, { folder, cluster, offer }, (answer) => {
      if (answer.kind === 'gone') return;
      if (answer.reply.reason === '') incoming.accept(this);
      else this.#fail(answer.reply.reason);
    });
  }

  onChunk(bytes: Buffer): void {
    this.#process.seam.call(takeBytes, bytes, (answer) => {
      if (answer.kind === 'gone' || this.#finished) return;
      if (answer.reply.reason !== '') {
        this.#fail(answer.reply.reason);
        return;
      }
      this.#written += bytes.length;
      this.#options.incoming.acknowledge(bytes.length);
      if (this.#written === this.#options.offer.bytes) this.#check();
    });
  }

  onClosed(reason: string): void {
    this.#fail(`the connection ended: ${reason}`);
  }

  /** The generation is not wanted: removes it, then ends the process. */
  discard(): void {
    this.#process.seam.call(discardIntake, undefined, () => this.#process.release());
  }

  /** Ends the process; what is a generation by now stays. */
  release(): void {
    this.#process.release();
  }

  #check(): void {
    this.#process.seam.call(finishIntake, undefined, (answer) => {
      if (answer.kind === 'reply') this.#finish(answer.reply);
    });
  }

  #fail(reason: string): void {
    this.#finish({ kind: 'failed', reason });
  }

  #finish(finished: ImageFinished): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#options.onFinished(finished);
  }
}

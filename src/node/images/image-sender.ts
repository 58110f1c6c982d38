// Images on the leader: followers whose next entry is no longer in the log get one, at most two at
// once, those that ask meanwhile share it. Tells the core how each ended; one that failed is tried
// again after a pause, because the core would ask again at once.
import { imageFormatVersion } from '#db/image/image-offer.ts';
import type { NodeName } from '#identity/node-name.ts';
import type { Logger } from '#node/logger.ts';
import type { ImageEnd, Transport } from '#transport/transport.ts';
import { imagesOutMax, retryFirstMs, retryMaxMs } from './bounds.ts';
import { ImageMaker } from './image-maker.ts';

/** What sending needs of the node. */
export interface ImageSenderOptions {
  readonly folder: string;
  readonly log: Logger;
  readonly transport: Pick<Transport, 'sendImage'>;
  /** The present term. */
  readonly term: () => number;
  /** The image for the node was taken, or cannot be sent. */
  readonly onEnd: (to: NodeName, sent: boolean) => void;
}

interface Transfer {
  readonly maker: ImageMaker;
  giveUp: () => void;
}

/** See the head of this file. */
export class ImageSender {
  readonly #options: ImageSenderOptions;
  /** Followers without an image yet, and the applied index when they asked, first come first. */
  readonly #waiting = new Map<NodeName, number>();
  readonly #running = new Map<NodeName, Transfer>();
  readonly #retries = new Map<NodeName, { pauseMs: number; timer: NodeJS.Timeout | undefined }>();
  #maker: ImageMaker | undefined;
  #askedIndex = 0;
  /** When the last maker's process is gone. */
  #idle: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: ImageSenderOptions) {
    this.#options = options;
  }

  /**
   * Behind this entry the log must stay: who takes an image goes on from there. The image may hold
   * more, but the core looks behind what it asked for.
   */
  get heldIndex(): number | undefined {
    const held = [...this.#waiting.values()];
    if (this.#maker !== undefined) held.push(this.#askedIndex);
    return held.length === 0 ? undefined : Math.min(...held);
  }

  /** The core asks for an image; `appliedIndex` is what the database holds at least. */
  request(to: NodeName, appliedIndex: number): void {
    if (this.#stopped || this.#running.has(to) || this.#waiting.has(to)) return;
    if (this.#retries.get(to)?.timer !== undefined) return;
    this.#options.log.info({ to }, 'a follower needs an image');
    this.#waiting.set(to, appliedIndex);
    this.#next();
  }

  /** Gives everything up. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    for (const { timer } of this.#retries.values()) clearTimeout(timer);
    for (const { giveUp } of [...this.#running.values()]) giveUp();
    this.#maker?.release();
  }

  #next(): void {
    for (const [to, appliedIndex] of this.#waiting) {
      if (this.#running.size >= imagesOutMax) return;
      this.#waiting.delete(to);
      const transfer = { maker: this.#makerFor(appliedIndex), giveUp: () => undefined };
      this.#running.set(to, transfer);
      void this.#send(to, transfer);
    }
  }

  /** The image that is under way, or a new one. */
  #makerFor(appliedIndex: number): ImageMaker {
    if (this.#maker === undefined) {
      this.#askedIndex = appliedIndex;
      this.#maker = new ImageMaker(this.#options.folder, this.#idle, this.#options.log);
      this.#idle = this.#maker.ended;
    }
    return this.#maker;
  }

  async #send(to: NodeName, transfer: Transfer): Promise<void> {
    const made = await transfer.maker.made;
    if (made.kind === 'failed' || this.#stopped) {
      const reason = made.kind === 'failed' ? made.reason : 'this node is stopping';
      this.#ended(to, transfer, { kind: 'failed', reason });
      return;
    }
    transfer.giveUp = this.#options.transport.sendImage(to, {
      announcement: {
        ...made.offer,
        formatVersion: imageFormatVersion,
        senderTerm: Math.max(this.#options.term(), made.offer.term),
      },
      read: (position, bytes) => transfer.maker.read(position, bytes),
      onEnd: (end) => this.#ended(to, transfer, end),
    });
  }

  #ended(to: NodeName, { maker }: Transfer, end: ImageEnd): void {
    this.#running.delete(to);
    if ([...this.#running.values()].every((other) => other.maker !== maker)) {
      maker.release();
      if (this.#maker === maker) this.#maker = undefined;
    }
    if (this.#stopped) return;
    if (end.kind === 'taken') {
      this.#retries.delete(to);
      this.#options.log.info({ to }, 'a follower has taken the image');
      this.#options.onEnd(to, true);
    } else {
      this.#retryLater(to, end.reason);
    }
    this.#next();
  }

  #retryLater(to: NodeName, reason: string): void {
    const pauseMs = Math.min((this.#retries.get(to)?.pauseMs ?? 0) * 2 || retryFirstMs, retryMaxMs);
    this.#options.log.warn({ to, reason, pauseMs }, 'an image was not taken; it is tried again');
    const timer = setTimeout(() => {
      this.#retries.set(to, { pauseMs, timer: undefined });
      this.#options.onEnd(to, false);
    }, pauseMs);
    this.#retries.set(to, { pauseMs, timer });
  }
}

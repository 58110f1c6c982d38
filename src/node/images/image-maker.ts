// One image on the leader: made once, read by every transfer that sends it, gone with the last.
import type { Logger } from '#node/logger.ts';
import { type ImageMade, makeImageOf, readImage } from '#node/seams/image-seam.ts';
import { makeDeadlineMs } from './bounds.ts';
import { type ImageProcess, startImageProcess } from './image-process.ts';

const gone = new Error('the image is gone');

/** See the head of this file. */
export class ImageMaker {
  /** Never rejects. */
  readonly made: Promise<ImageMade>;
  /** Resolves when its process is gone, and its files with it. */
  readonly ended: Promise<unknown>;
  #process: ImageProcess | undefined;
  #released = false;
  readonly #log: Logger;

  /** Begins when `previous` is over: they share a folder. */
  constructor(folder: string, previous: Promise<unknown>, log: Logger) {
    this.#log = log;
    const started = previous.then(() => {
      if (this.#released) return undefined;
      this.#process = startImageProcess('maker-main', 'stockade-image', () => undefined);
      return this.#process;
    });
    this.ended = started.then((running) => running?.ended);
    this.made = started.then((running) =>
      running === undefined ? { kind: 'failed', reason: 'given up' } : this.#make(running, folder),
    );
  }

  /** A piece of the image; rejects when the process is gone. */
  read(position: number, bytes: number): Promise<Uint8Array> {
    return this.#process?.seam.ask(readImage, { position, bytes }) ?? Promise.reject(gone);
  }

  /** Nobody reads it any more. */
  release(): void {
    this.#released = true;
    this.#process?.release();
  }

  async #make({ seam }: ImageProcess, folder: string): Promise<ImageMade> {
    const timer = setTimeout(() => this.release(), makeDeadlineMs);
    const made = await seam
      .ask(makeImageOf, { folder })
      .catch((): ImageMade => ({ kind: 'failed', reason: 'the process that makes it ended' }));
    clearTimeout(timer);
    if (made.kind === 'made') {
      this.#log.info({ ...made.offer, readMs: Math.round(made.readMs) }, 'an image was made');
    }
    return made;
  }
}

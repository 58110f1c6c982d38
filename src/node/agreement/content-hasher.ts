// This node's part of a content check: a reader of its own stands ready; when the check's entry is
// applied here, apply pauses until that reader has its snapshot, which holds exactly that entry,
// and goes on while it hashes.
import { type ReaderProcess, startReaderProcess } from '#node/reader-process.ts';
import type { ReaderStart } from '#node/seams/reader-seam.ts';
import { hashContent, snapshotOpen } from '#node/seams/reader-seam.ts';
import { hashMsMax, pauseMsMax, preparedMsMax } from './bounds.ts';
import type { HashedPart } from './calls.ts';

/** One check that this node takes part in. */
interface Check {
  readonly id: string;
  readonly reader: ReaderProcess;
  readonly ready: Promise<boolean>;
  readonly part: Promise<HashedPart>;
  readonly finish: (part: HashedPart) => void;
  readonly timer: NodeJS.Timeout;
  begun: boolean;
}

const failed = (reason: string): HashedPart => ({ content: undefined, reason });

/** See the head of this file. */
export class ContentHasher {
  readonly #start: ReaderStart;
  #check: Check | undefined;

  /** Reads the database in this data folder. */
  constructor(folder: string) {
    this.#start = { folder, doubleQuotedStrings: false };
  }

  /** Gets ready for a check; true when the reader is there. An earlier check is given up. */
  prepare(id: string): Promise<boolean> {
    this.close();
    const ready = Promise.withResolvers<boolean>();
    const part = Promise.withResolvers<HashedPart>();
    const finish = (result: HashedPart): void => {
      clearTimeout(timer);
      reader.kill();
      ready.resolve(false);
      part.resolve(result);
    };
    const reader = startReaderProcess(this.#start, {
      onReady: () => ready.resolve(true),
      onFailed: (reason) => finish(failed(reason)),
      onEnded: () => finish(failed('the reader ended')),
    });
    const timer = setTimeout(
      () => finish(failed('the entry of the check did not come')),
      preparedMsMax,
    );
    this.#check = {
      ...{ id, reader, finish, timer, begun: false },
      ...{ ready: ready.promise, part: part.promise },
    };
    return ready.promise;
  }

  /** Whether this is the data of the entry that the check of this node is about. */
  isAwaited(data: Uint8Array): boolean {
    const check = this.#check;
    if (check === undefined || check.begun || data.length === 0) return false;
    return Buffer.from(data).toString('hex') === check.id;
  }

  /** The database stands at the entry of the check: hashes it; `resume` lets apply go on. */
  begin(index: number, resume: () => void): void {
    const check = this.#check;
    if (check === undefined || check.begun) {
      resume();
      return;
    }
    check.begun = true;
    clearTimeout(check.timer);
    const pause = setTimeout(() => {
      check.finish(failed('its snapshot came too late'));
      resume();
    }, pauseMsMax);
    const over = setTimeout(() => check.finish(failed('hashing took too long')), hashMsMax);
    const goOn = (): void => {
      clearTimeout(pause);
      resume();
    };
    check.reader.seam.hear(snapshotOpen, goOn);
    check.reader.seam.call(hashContent, undefined, (answer) => {
      goOn();
      clearTimeout(over);
      if (answer.kind === 'gone') check.finish(failed('the reader ended'));
      else if (answer.reply.kind === 'failed') check.finish(failed(answer.reply.reason));
      else if (answer.reply.content.appliedIndex !== index) {
        check.finish(failed('its snapshot is of another entry'));
      } else check.finish({ content: answer.reply.content, reason: '' });
    });
  }

  /** What came of a check, once it is over. */
  collect(id: string): Promise<HashedPart> {
    if (this.#check?.id !== id) return Promise.resolve(failed('it was not prepared here'));
    return this.#check.part;
  }

  /** Gives up what is under way. */
  close(): void {
    this.#check?.finish(failed('it was given up'));
    this.#check = undefined;
  }
}

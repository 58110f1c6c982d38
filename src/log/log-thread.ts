// The log thread: takes batches one after the other and makes each durable, synchronously; nothing
// else runs here, so nothing else can delay a sync. Messages are answered in the order they came.
import { parentPort, workerData } from 'node:worker_threads';
import { CodedError } from '#errors.ts';
import { invariant } from '#invariant.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import type { Entry } from '#raft/entry.ts';
import { carriedFrom } from './carried-error.ts';
import { fullDiskRetryMs } from './limits.ts';
import { encodeBatch } from './log-record.ts';
import { SegmentedLog } from './segmented-log.ts';
import {
  type FromLogThread,
  type LogThreadSettings,
  type ToLogThread,
  transferable,
} from './thread-message.ts';

invariant(parentPort !== null, 'the log thread is started as a worker');
const port = parentPort;

const send = (message: FromLogThread, bytes: readonly Uint8Array<ArrayBuffer>[] = []): void =>
  port.postMessage(
    message,
    bytes.map((piece) => piece.buffer),
  );

const bytesOf = (entries: readonly Entry[]): Uint8Array<ArrayBuffer> =>
  transferable(encodeBatch(entries.map((entry) => ({ kind: 'entry', entry }))));

/** Runs the log for its whole life; the port closes with it. */
class LogThread {
  readonly #log: SegmentedLog;
  /** Batches that wait for room on the disk, the oldest first; the main side sends at most two. */
  #waiting: Uint8Array[] = [];
  #preparing = false;

  constructor(settings: LogThreadSettings) {
    this.#log = new SegmentedLog(settings, {
      files: systemFiles,
      random: cryptoRandom,
      clock: systemClock,
    });
    const { recentEntries, configurationEntries, ...recovered } = this.#log.recovered;
    const recent = bytesOf(recentEntries);
    const configurations = bytesOf(configurationEntries);
    send(
      { kind: 'opened', recovered, recentEntries: recent, configurationEntries: configurations },
      [recent, configurations],
    );
  }

  receive(message: ToLogThread): void {
    switch (message.kind) {
      case 'batch':
        this.#waiting.push(message.payload);
        if (this.#waiting.length === 1) this.#write();
        break;
      case 'read':
        this.#read(message);
        break;
      case 'trim':
        this.#log.trim(message.index);
        break;
      case 'close':
        this.#log.close();
        send({ kind: 'closed' });
        port.close();
        break;
      default:
        message satisfies never;
    }
    this.#prepareWhenIdle();
  }

  #write(): void {
    for (let payload = this.#waiting[0]; payload !== undefined; payload = this.#waiting[0]) {
      try {
        const syncMicroseconds = this.#log.append(payload);
        send({ kind: 'durable', syncMicroseconds });
      } catch (error) {
        if (!(error instanceof CodedError && error.code === 'disk_full')) throw error;
        send({ kind: 'full', error: carriedFrom(error) });
        setTimeout(() => guarded(() => this.#write()), fullDiskRetryMs);
        return;
      }
      this.#waiting.shift();
    }
  }

  #read({ request, from, bytesMax }: Extract<ToLogThread, { kind: 'read' }>): void {
    try {
      const entries = bytesOf(this.#log.read(from, bytesMax));
      send({ kind: 'entries', request, entries }, [entries]);
    } catch (error) {
      send({ kind: 'unreadable', request, error: carriedFrom(error) });
    }
  }

  /** One slice at a time, messages that came meanwhile first. */
  #prepareWhenIdle(): void {
    if (this.#preparing || this.#waiting.length > 0) return;
    this.#preparing = true;
    setImmediate(() =>
      guarded(() => {
        this.#preparing = false;
        if (this.#log.prepare()) this.#prepareWhenIdle();
      }),
    );
  }
}

/** Any error that is not answered ends the thread's work: nothing more is written. */
const guarded = (step: () => void): void => {
  try {
    step();
  } catch (error) {
    send({ kind: 'failed', error: carriedFrom(error) });
    port.close();
  }
};

guarded(() => {
  const settings: LogThreadSettings = workerData;
  const thread = new LogThread(settings);
  port.on('message', (message: ToLogThread) => guarded(() => thread.receive(message)));
});

// What runs in the log thread: takes batches one after the other and makes each durable; messages
// are answered in the order they came. Everything is synchronous, and nothing else may run here.
import { CodedError } from '#errors.ts';
import { InvariantError, unreachable } from '#invariant.ts';
import type { Timers } from '#io/timers.ts';
import type { Entry } from '#raft/entry.ts';
import { carriedFrom } from './carried-error.ts';
import type { DurableLogOptions } from './durable-log.ts';
import { fullDiskRetryMs } from './limits.ts';
import { encodeBatch } from './log-record.ts';
import { SegmentedLog, type SegmentedLogEffects } from './segmented-log.ts';
import { type FromLogThread, type ToLogThread, transferable } from './thread-message.ts';

/** What the service needs from outside. */
export interface LogServiceEffects extends SegmentedLogEffects {
  readonly timers: Timers;
}

/** Sends to the log's main side; the buffers are transferred. */
export type SendFromLog = (message: FromLogThread, transfer: readonly ArrayBuffer[]) => void;

/** Serves one log for its whole life. After `failed` or `closed` was sent it does nothing more. */
export class LogService {
  readonly #timers: Timers;
  readonly #send: SendFromLog;
  #log: SegmentedLog | undefined;
  /** Set while a batch waits for room on the disk; the main side sends no other until then. */
  #cancelRetry: (() => void) | undefined;
  #preparing = false;

  /** Opens the log and sends `opened`, or `failed`. */
  constructor(options: DurableLogOptions, effects: LogServiceEffects, send: SendFromLog) {
    this.#timers = effects.timers;
    this.#send = send;
    this.#guarded(() => {
      this.#log = new SegmentedLog(options, effects);
      const { recentEntries, configurationEntries, ...recovered } = this.#log.recovered;
      const recent = bytesOf(recentEntries);
      const configurations = bytesOf(configurationEntries);
      send(
        { kind: 'opened', recovered, recentEntries: recent, configurationEntries: configurations },
        [recent.buffer, configurations.buffer],
      );
    });
  }

  receive(message: ToLogThread): void {
    const log = this.#log;
    if (log === undefined) return;
    this.#guarded(() => {
      switch (message.kind) {
        case 'batch':
          this.#write(log, message.payload);
          break;
        case 'read':
          this.#read(log, message);
          break;
        case 'trim':
          log.trim(message.index);
          break;
        case 'close':
          this.#end();
          this.#send({ kind: 'closed' }, []);
          return;
        default:
          unreachable(message);
      }
      this.#prepareWhenIdle(log);
    });
  }

  #write(log: SegmentedLog, payload: Uint8Array): void {
    try {
      const syncMicroseconds = log.append(payload);
      this.#cancelRetry = undefined;
      this.#send({ kind: 'durable', syncMicroseconds }, []);
    } catch (error) {
      if (!(error instanceof CodedError && error.code === 'disk_full')) throw error;
      this.#send({ kind: 'full' }, []);
      this.#cancelRetry = this.#timers.after(fullDiskRetryMs, () =>
        this.#guarded(() => this.#write(log, payload)),
      );
    }
  }

  #read(
    log: SegmentedLog,
    { request, from, bytesMax }: Extract<ToLogThread, { kind: 'read' }>,
  ): void {
    try {
      const entries = bytesOf(log.read(from, bytesMax));
      this.#send({ kind: 'entries', request, entries }, [entries.buffer]);
    } catch (error) {
      this.#send({ kind: 'unreadable', request, error: carriedFrom(error) }, []);
    }
  }

  /** One slice at a time, messages that came meanwhile first. */
  #prepareWhenIdle(log: SegmentedLog): void {
    if (this.#preparing || this.#cancelRetry !== undefined) return;
    this.#preparing = true;
    this.#timers.whenIdle(() =>
      this.#guarded(() => {
        this.#preparing = false;
        if (this.#log !== undefined && log.prepare()) this.#prepareWhenIdle(log);
      }),
    );
  }

  /** Any error that is not answered ends the service: nothing more is written. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      this.#end();
      this.#send({ kind: 'failed', error: carriedFrom(error) }, []);
    }
  }

  #end(): void {
    this.#cancelRetry?.();
    const log = this.#log;
    this.#log = undefined;
    log?.close();
  }
}

const bytesOf = (entries: readonly Entry[]): Uint8Array<ArrayBuffer> =>
  transferable(encodeBatch(entries.map((entry) => ({ kind: 'entry', entry }))));

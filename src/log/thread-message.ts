// What the log's main side and its thread say to each other. Bytes travel as transferred buffers.
import type { ErrorCode } from '#errors.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { RecoveredLog } from './durable-log.ts';

/** To the thread; answered in this order, one `durable` a batch. */
export type ToLogThread =
  | { readonly kind: 'batch'; readonly payload: Uint8Array }
  | {
      readonly kind: 'read';
      readonly request: number;
      readonly from: LogIndex;
      readonly bytesMax: number;
    }
  | { readonly kind: 'trim'; readonly index: LogIndex }
  | { readonly kind: 'close' };

/** An error on its way between threads, which keeps neither class nor cause. */
export interface CarriedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** From the thread. Entries travel as a batch of records, see `encodeBatch`. */
export type FromLogThread =
  | {
      readonly kind: 'opened';
      readonly recovered: Omit<RecoveredLog, 'recentEntries' | 'configurationEntries'>;
      readonly recentEntries: Uint8Array;
      readonly configurationEntries: Uint8Array;
    }
  | { readonly kind: 'durable'; readonly syncMicroseconds: number }
  /** The next batch waits for room on the disk. */
  | { readonly kind: 'full' }
  | { readonly kind: 'entries'; readonly request: number; readonly entries: Uint8Array }
  | { readonly kind: 'unreadable'; readonly request: number; readonly error: CarriedError }
  | { readonly kind: 'failed'; readonly error: CarriedError }
  | { readonly kind: 'closed' };

/** Bytes that may be transferred: in a buffer of their own, not in a piece of a shared pool. */
export const transferable = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
};

// One queued write, and how several of one user become one request for data.
import type { TableRules } from '#auth/table-rules.ts';
import type { Statement } from '#command/command.ts';
import { renderBits } from '#command/outcome.ts';
import type { Applied, ErrorCode } from '#errors.ts';
import type { DataRequest } from '#http/data/data-request.ts';
import { queueRunTimeoutMs } from '#http/front-limits.ts';
import type { Statements } from '#http/statements-from-body.ts';
import { statementsMax } from '#limits.ts';

/** Why a queued write was not done, or not as it was meant. */
export interface QueueFault {
  readonly code: ErrorCode | 'statement_failed';
  readonly message: string;
  readonly applied: Applied;
}

/** A request that waits to be written. */
export interface QueuedWrite extends Statements {
  readonly user: string;
  readonly requestId: string;
  readonly clientAddress: string;
  /** The user may write statements without a bound on their cost. */
  readonly heavy: boolean;
  /** The tables that the user may reach; undefined: all. */
  readonly tables: TableRules | undefined;
  /** Size of its body. */
  readonly bytes: number;
  /** Called once, when it is written (undefined) or failed, or a statement of it has. */
  readonly done: (fault: QueueFault | undefined) => void;
}

/** A write with its number. */
export interface NumberedWrite {
  readonly sequence: bigint;
  readonly write: QueuedWrite;
}

/** Most writes and bytes of one batch. */
export interface BatchLimits {
  readonly writes: number;
  readonly bytes: number;
}

/**
 * How many writes from the front of the queue go together: in order, all of one user, so that
 * nobody's statements run under another's name.
 */
export const batchLength = (waiting: readonly NumberedWrite[], limits: BatchLimits): number => {
  const first = waiting[0]?.write;
  let length = 0;
  let bytes = 0;
  let statements = 0;
  for (const { write } of waiting) {
    bytes += write.bytes;
    statements += write.statements.length;
    const tooMuch = bytes > limits.bytes || statements > statementsMax;
    if (length > 0 && (tooMuch || length === limits.writes)) break;
    if (write.user !== first?.user || write.heavy !== first.heavy) break;
    // Of one user, but from before and after a reload.
    if (write.tables !== first.tables) break;
    length += 1;
  }
  return length;
};

/** All statements of a batch as one request; each text is held once. */
export const requestFrom = (batch: readonly NumberedWrite[], transaction: boolean): DataRequest => {
  const first = batch[0]?.write;
  const table = new Map<string, number>();
  const statements: Statement[] = [];
  for (const { write } of batch) {
    for (const statement of write.statements) {
      const text = write.texts[statement.text] ?? '';
      const known = table.get(text) ?? table.size;
      table.set(text, known);
      statements.push({ ...statement, text: known });
    }
  }
  return {
    kind: 'execute',
    user: first?.user ?? '',
    requestId: first?.requestId ?? '',
    clientAddress: first?.clientAddress ?? '',
    texts: [...table.keys()],
    statements,
    idempotencyKey: '',
    heavy: first?.heavy ?? false,
    tables: first?.tables,
    transaction,
    render: renderBits.wanted,
    level: 'weak',
    freshnessMs: 0,
    freshnessStrict: false,
    linearizableTimeoutMs: 0,
    timeoutMs: queueRunTimeoutMs,
    dbTimeoutMs: undefined,
    redirect: false,
    forwarded: false,
  };
};

// Runs transactions in the writer, where they are undone again. One that passes its deadline is
// answered by killing the writer, which starts again within a tenth of a second or so: nothing else
// stops a statement, and what is committed meanwhile waits in the log.
import type { Trial, TrialResult } from '#db/try-transaction.ts';
import { transactionRunMs } from '#limits.ts';

/** A writer, as far as trials need it. */
export interface TryingWriter {
  /** `started` when it begins, `done` once: undefined when the writer died before the end. */
  tryTransaction(
    trial: Trial,
    started: () => void,
    done: (result: TrialResult | undefined) => void,
  ): void;
  /** SIGKILL; whoever keeps writers starts another one. */
  abandon(): void;
}

/** How a trial ended, and how long it took in the writer. */
export type TrialEnd = { readonly ms: number } & (
  | { readonly kind: 'result'; readonly result: TrialResult }
  /** It was killed. */
  | { readonly kind: 'overdue' }
  /** There is no writer, or it died for another reason: nothing is known of the statements. */
  | { readonly kind: 'gone' }
);

/** Runs a trial; `now` is a monotonic clock, milliseconds. */
export const runTrial = (
  writer: TryingWriter | undefined,
  trial: Trial,
  now: () => number,
  done: (end: TrialEnd) => void,
): void => {
  if (writer === undefined) {
    done({ kind: 'gone', ms: 0 });
    return;
  }
  let startedMs = now();
  let overdue = false;
  let deadline: NodeJS.Timeout | undefined;
  writer.tryTransaction(
    trial,
    () => {
      startedMs = now();
      deadline = setTimeout(() => {
        overdue = true;
        writer.abandon();
      }, transactionRunMs);
    },
    (result) => {
      clearTimeout(deadline);
      const ms = now() - startedMs;
      if (result !== undefined) done({ kind: 'result', result, ms });
      else done({ kind: overdue ? 'overdue' : 'gone', ms });
    },
  );
};

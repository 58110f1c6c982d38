// What the log says, record by record, without the entries themselves. The same steps run when a
// log is written (a record that does not follow is a fault of this program) and when it is
// recovered (it is damage), so both come to the same.
import { unreachable } from '#invariant.ts';
import type { Entry } from '#raft/entry.ts';
import type { HardState } from '#raft/hard-state.ts';
import { indexAfter, indexZero, type LogIndex } from '#raft/log-index.ts';
import { type Term, termZero } from '#raft/term.ts';
import type { RecoveredLog } from './durable-log.ts';
import type { LogRecord } from './log-record.ts';
import { TermRanges } from './term-ranges.ts';

/** Where a log begins. */
export interface LogBeginning {
  readonly hardState: HardState;
  readonly index: LogIndex;
  readonly term: Term;
}

/** A log that nothing was ever written to. */
export const emptyBeginning: LogBeginning = {
  hardState: { term: termZero, votedFor: undefined, commitIndex: indexZero },
  index: indexZero,
  term: termZero,
};

/** The state of a log. */
export class LogState {
  readonly terms = new TermRanges();
  #hardState: HardState;

  constructor(beginning: LogBeginning) {
    this.#hardState = beginning.hardState;
    this.terms.reset(beginning.index, beginning.term);
  }

  /** The state that a recovered log has. */
  static of(recovered: RecoveredLog): LogState {
    const { hardState, trimmedIndex, trimmedTerm, terms, lastIndex } = recovered;
    const state = new LogState({ hardState, index: trimmedIndex, term: trimmedTerm });
    for (const [at, range] of terms.entries()) {
      const end = terms[at + 1]?.from ?? indexAfter(lastIndex);
      state.terms.append(range.term, end - range.from);
    }
    return state;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  /**
   * Applies the records of one batch. Gives a sentence when one of them does not follow what is
   * there; the state is not usable then.
   */
  apply(records: readonly LogRecord[]): string | undefined {
    for (const record of records) {
      const reason = this.#applyOne(record);
      if (reason !== undefined) return reason;
    }
    const { commitIndex } = this.#hardState;
    if (commitIndex > this.terms.lastIndex) {
      return `the commit index ${commitIndex} is beyond the last entry ${this.terms.lastIndex}`;
    }
    return undefined;
  }

  #applyOne(record: LogRecord): string | undefined {
    switch (record.kind) {
      case 'entry':
        return this.#append(record.entry);
      case 'hard-state':
        if (record.hardState.term < this.#hardState.term) {
          return `term ${record.hardState.term} comes after term ${this.#hardState.term}`;
        }
        this.#hardState = record.hardState;
        return undefined;
      case 'truncate':
        return this.#truncate(record.from, record.previousTerm);
      case 'snapshot':
        this.terms.reset(record.index, record.term);
        return undefined;
      default:
        return unreachable(record);
    }
  }

  #append(entry: Entry): string | undefined {
    const { lastIndex, lastTerm } = this.terms;
    if (entry.index !== lastIndex + 1) return `entry ${entry.index} comes after entry ${lastIndex}`;
    if (entry.term < lastTerm) {
      return `entry ${entry.index} of term ${entry.term} comes after term ${lastTerm}`;
    }
    this.terms.append(entry.term);
    return undefined;
  }

  #truncate(from: LogIndex, previousTerm: Term): string | undefined {
    if (from <= this.#hardState.commitIndex) {
      return `entry ${from} is removed, but entry ${this.#hardState.commitIndex} was committed`;
    }
    const { trimmedIndex, lastIndex } = this.terms;
    if (from > lastIndex) return `entry ${from} is removed, but the last entry is ${lastIndex}`;
    if (from > trimmedIndex) {
      this.terms.truncate(from);
      return undefined;
    }
    // The segments with the entries before were trimmed away, and the one that is read first began
    // with entries that were truncated later: the log begins lower than its first segment says.
    this.terms.reset(indexAfter(from, -1), previousTerm);
    return undefined;
  }
}

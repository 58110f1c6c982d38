// Keeps the books of one writer: its transactions, and the position that is stored with each. No
// transaction opens without the check that the database stands where this writer left it, and none
// commits without the position that belongs to it.
import { invariant } from '#invariant.ts';
import { EndedTransactions } from './ended-transactions.ts';
import type { Engine, SqlError } from './engine.ts';
import { KeptOutcomes } from './kept-outcomes.ts';
import { OutcomeChain } from './outcome-chain.ts';
import type { Position, PositionStore } from './position.ts';
import { Transactions } from './transactions.ts';
import type { CommittedEntry } from './writer.ts';

const noBytes = Buffer.alloc(0);

/** The books. */
export class Ledger {
  readonly store: PositionStore;
  readonly transactions: Transactions;
  readonly kept: KeptOutcomes;
  readonly ended: EndedTransactions;
  /** Records of the entry in work. */
  readonly chain = new OutcomeChain();
  readonly #epoch: number;
  #begun = false;
  #committed: Position;
  #position: Position;

  constructor(engine: Engine, store: PositionStore, epoch: number) {
    this.store = store;
    this.transactions = new Transactions(engine);
    this.kept = new KeptOutcomes(engine, store);
    this.ended = new EndedTransactions(engine, store);
    this.#epoch = epoch;
    this.#committed = store.read();
    this.#position = this.#committed;
  }

  /** Where the last committed transaction left the database. */
  get committed(): Position {
    return this.#committed;
  }

  /** Where the open transaction stands. */
  get position(): Position {
    return this.#position;
  }

  /** Whether a transaction was begun here and not yet committed; SQLite may have ended it since. */
  get begun(): boolean {
    return this.#begun;
  }

  /** @throws MachineError; InvariantError when another writer took this file over */
  begin(): void {
    this.transactions.begin();
    this.#begun = true;
    const fence = this.store.readFence();
    invariant(
      fence.index === this.#committed.index && fence.epoch === this.#epoch,
      'the database stands where this writer left it',
    );
  }

  /** Moves on within the open transaction. */
  moveTo(position: Position): void {
    this.#position = position;
  }

  /** Stores `position` and commits; the error of a COMMIT that failed and was rolled back. */
  commit(position: Position): SqlError | undefined {
    this.store.write(position);
    this.#begun = false;
    const error = this.transactions.commit();
    this.#position = error === undefined ? position : this.#committed;
    this.#committed = this.#position;
    return error;
  }

  /** Commits what only records: no statement of a user can make this fail. */
  commitSurely(position: Position): void {
    const error = this.commit(position);
    invariant(error === undefined, 'what can fail at COMMIT has a transaction of its own');
  }

  /** Forgets everything since the last commit. */
  returnToCommitted(): void {
    this.transactions.rollback();
    this.#begun = false;
    this.#position = this.#committed;
  }

  /** Begins the records of `entry`, with those that an earlier start of it has stored. */
  startEntry(entry: CommittedEntry): void {
    invariant(entry.index === this.#position.index + 1, 'entries are applied in order');
    this.chain.start(this.#position.chain, entry.index, this.#position.pending);
  }

  /** Index first: it also sets last_insert_rowid() to 0 and changes() to 1, on every replica. */
  writeIndexFirst(entry: CommittedEntry): void {
    this.store.writeIndex(entry.index, entry.term);
  }

  /** The position once `entry` is applied in whole. */
  after(entry: CommittedEntry, timeMs: number, schemaChanged: boolean): Position {
    return {
      index: entry.index,
      term: entry.term,
      timeMs,
      schemaIndex: schemaChanged ? entry.index : this.#position.schemaIndex,
      chain: this.chain.digest(),
      statementsDone: 0,
      pending: noBytes,
    };
  }

  /** The position once the first `statementsDone` units of `entry` are. */
  within(entry: CommittedEntry, statementsDone: number, schemaChanged: boolean): Position {
    return {
      ...this.#position,
      schemaIndex: schemaChanged ? entry.index : this.#position.schemaIndex,
      statementsDone,
      pending: this.chain.pending(),
    };
  }
}

// The interactive transactions that are open at this node, which leads: opened, run step by step,
// committed, rolled back, forgotten. Another leader knows none of them; a commit that is sent again
// is answered from the database, by whichever leader.
import { decodeCommand } from '#command/command-codec.ts';
import type { TrialResult } from '#db/try-transaction.ts';
import type { BackendRefusal, BackendTransaction, TransactionReply } from '#http/backend.ts';
import { unreachable } from '#invariant.ts';
import {
  transactionIdleMs,
  transactionsMax,
  transactionsPerUserMax,
  transactionTotalMs,
  transactionTurnMs,
} from '#limits.ts';
import type { Logger } from '#node/logger.ts';
import type { Penalties } from '#node/penalties.ts';
import { refused } from '#node/proposals.ts';
import { type CommitContext, Commits } from './commits.ts';
import {
  conflict,
  noSuch,
  noTurn,
  punished,
  tooExpensive,
  tooOld,
  troubled,
  underWay,
  writerGone,
} from './refusals.ts';
import { boundOf } from './step-bounds.ts';
import { type Step, Transaction } from './transaction.ts';
import { runTrial, type TrialEnd } from './trials.ts';
import { type Turn, WriterTurns } from './writer-turns.ts';

/** What transactions need of the node. */
export interface TransactionsContext extends CommitContext {
  /** Why nothing is taken now, of a node that leads. */
  readonly closed: () => BackendRefusal | undefined;
  /** A member whose version cannot read commits of transactions, if one is in reach. */
  readonly findOlder: () => Promise<string | undefined>;
  /** The time of the log now, milliseconds since 1970. */
  readonly logTimeMs: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly penalties: Penalties;
  readonly log: Logger;
}

type Done = (reply: TransactionReply) => void;
type Request<Kind extends BackendTransaction['kind']> = Omit<
  Extract<BackendTransaction, { kind: Kind }>,
  'deadlineMs'
>;

/** What of a step crosses to the node. */
export type TransactionStep = { readonly user: string } & (
  | Request<'open'>
  | Request<'run'>
  | Request<'commit'>
  | Request<'rollback'>
);

const idBytes = 16;
const seedBytes = 16;

/** All of them. */
export class OpenTransactions {
  readonly #context: TransactionsContext;
  readonly #open = new Map<string, Transaction>();
  readonly #turns: WriterTurns;
  readonly #commits: Commits;
  /** How many ended here, and how. */
  readonly ended = { committed: 0, conflict: 0, rolled_back: 0, killed: 0, expired: 0, lost: 0 };

  constructor(context: TransactionsContext) {
    this.#context = context;
    this.#turns = new WriterTurns(context.now);
    this.#commits = new Commits(context);
  }

  /** Open now. */
  get size(): number {
    return this.#open.size;
  }

  /** Does a step; `done` is called once. */
  transact(step: TransactionStep, done: Done): void {
    const closed = this.#closed;
    if (closed !== undefined) {
      done(closed);
      return;
    }
    switch (step.kind) {
      case 'open':
        void this.#openOnce(step.user, done);
        return;
      case 'run':
        this.#run(step, done);
        return;
      case 'commit':
        this.#commit(step, done);
        return;
      case 'rollback':
        this.#rollBack(step, done);
        return;
      default:
        unreachable(step);
    }
  }

  /** Entries were applied here. */
  applied(): void {
    this.#commits.applied();
  }

  /** Ends what these users have open, but for commits that are under way. */
  endThoseOf(users: readonly string[]): void {
    const names = new Set(users);
    for (const transaction of this.#open.values()) {
      if (!names.has(transaction.opening.user) || transaction.busy === 'commit') continue;
      this.#forget(transaction);
      this.ended.lost += 1;
    }
  }

  /** This node does not lead any more: it holds no transaction. */
  deposed(): void {
    this.ended.lost += this.#open.size;
    this.#open.clear();
    this.#commits.deposed();
  }

  /** The node stops. */
  stop(): void {
    this.#turns.stop();
    this.deposed();
  }

  get #closed(): BackendRefusal | undefined {
    const { leadsIn, closed } = this.#context;
    if (leadsIn() === undefined) return refused('not_leader', 'this node does not lead');
    return closed();
  }

  async #openOnce(user: string, done: Done): Promise<void> {
    const older = await this.#context.findOlder();
    done(older === undefined ? this.#openOne(user) : tooOld(older));
  }

  #openOne(user: string): TransactionReply {
    const closed = this.#closed;
    if (closed !== undefined) return closed;
    this.#forgetExpired();
    const own = [...this.#open.values()].filter(({ opening }) => opening.user === user).length;
    if (own >= transactionsPerUserMax || this.#open.size >= transactionsMax) {
      const whose = own >= transactionsPerUserMax ? 'of this user' : 'at this leader';
      return refused('queue_full', `too many transactions ${whose} are open`);
    }
    const { random, logTimeMs, now } = this.#context;
    const timeMs = logTimeMs();
    const id = `${timeMs.toString(36)}-${Buffer.from(random(idBytes)).toString('hex')}`;
    const opening = { id, user, openedMs: now(), timeMs, seed: random(seedBytes) };
    this.#open.set(id, new Transaction(opening));
    return { kind: 'opened', id };
  }

  /** Whoever did not open it learns no more than that there is none. */
  #find(id: string, user: string): Transaction | undefined {
    const found = this.#open.get(id);
    if (found === undefined || found.opening.user !== user) return undefined;
    if (!this.#isExpired(found)) return found;
    this.#expire(found);
    return undefined;
  }

  #isExpired({ busy, lastMs, opening }: Transaction): boolean {
    const now = this.#context.now();
    if (busy !== 'no') return false;
    return now - lastMs > transactionIdleMs || now - opening.openedMs > transactionTotalMs;
  }

  #expire(transaction: Transaction): void {
    this.#forget(transaction);
    this.ended.expired += 1;
  }

  #forgetExpired(): void {
    for (const transaction of this.#open.values()) {
      if (this.#isExpired(transaction)) this.#expire(transaction);
    }
  }

  #forget({ opening }: Transaction): void {
    this.#open.delete(opening.id);
  }

  #isOpen(transaction: Transaction): boolean {
    return this.#open.get(transaction.opening.id) === transaction;
  }

  #rollBack({ id, user }: Request<'rollback'>, done: Done): void {
    const transaction = this.#find(id, user);
    if (transaction === undefined) done(noSuch);
    else if (transaction.busy === 'commit') done(underWay);
    else {
      this.#forget(transaction);
      this.ended.rolled_back += 1;
      done({ kind: 'rolled-back' });
    }
  }

  #run({ id, user, command: bytes, render }: Request<'run'>, done: Done): void {
    const transaction = this.#find(id, user);
    if (transaction === undefined) {
      done(noSuch);
      return;
    }
    const step: Step = { command: decodeCommand(bytes), bytes: bytes.length, render };
    const refusal = this.#refusalOf(transaction, step);
    if (refusal !== undefined) {
      done(refusal);
      return;
    }
    const { schemaIndex = step.command.schemaIndex } = transaction;
    if (step.command.schemaIndex < schemaIndex) {
      done({ kind: 'schema-changed', schemaIndex });
      return;
    }
    if (step.command.schemaIndex > schemaIndex) {
      this.#conflict(transaction, done);
      return;
    }
    transaction.busy = 'run';
    transaction.pendingBytes = step.bytes;
    this.#takeTurn(transaction, done, (over) => {
      const { writer, now } = this.#context;
      const penalty = this.#penaltyOf(user);
      if (penalty !== undefined) {
        // Another step of this user was killed while this one waited.
        this.#idle(transaction);
        done(penalty);
        over(0);
        return;
      }
      const sinceMs = now();
      const trial = transaction.trialOf(step);
      // This loop's own work counts as the writer's does: a large transaction is written anew for
      // each of its steps.
      const madeMs = now() - sinceMs;
      runTrial(writer(), trial, now, (end) => {
        this.#idle(transaction);
        transaction.writerMs += end.ms;
        this.#ran(transaction, step, end, done);
        over(madeMs + end.ms);
      });
    });
  }

  /** Waits for a turn of a transaction that is busy from now on; or says why it gets none. */
  #takeTurn(transaction: Transaction, done: Done, run: Turn['run']): void {
    const { now } = this.#context;
    const sinceMs = now();
    const giveUp = (): void => {
      this.#idle(transaction);
      done(noTurn);
    };
    const took = this.#turns.take({
      run: (over) => {
        if (this.#isOpen(transaction) && now() - sinceMs <= transactionTurnMs) {
          run(over);
          return;
        }
        // It was rolled back, or this node was deposed; or its client does not wait any longer.
        if (this.#isOpen(transaction)) giveUp();
        else done(noSuch);
        over(0);
      },
    });
    if (!took) giveUp();
  }

  #idle(transaction: Transaction): void {
    transaction.busy = 'no';
    transaction.pendingBytes = 0;
    transaction.lastMs = this.#context.now();
  }

  /** A user of whom a statement was killed waits. */
  #penaltyOf(user: string): BackendRefusal | undefined {
    const seconds = this.#context.penalties.secondsLeft(user);
    return seconds === 0 ? undefined : punished(seconds);
  }

  /** Why a step is not run. */
  #refusalOf(transaction: Transaction, step: Step): BackendRefusal | undefined {
    if (transaction.busy !== 'no') return underWay;
    const penalty = this.#penaltyOf(transaction.opening.user);
    if (penalty !== undefined) return penalty;
    const held = [...this.#open.values()].reduce((sum, one) => sum + one.bytes, 0);
    return boundOf(transaction, step, held);
  }

  #ran(transaction: Transaction, step: Step, end: TrialEnd, done: Done): void {
    // Whoever rolls back meanwhile has cost the writer all the same.
    if (end.kind === 'overdue') done(this.#killed(transaction));
    else if (!this.#isOpen(transaction)) done(noSuch);
    else if (end.kind === 'result') this.#resulted(transaction, step, end.result, done);
    else done(writerGone);
  }

  #resulted(transaction: Transaction, step: Step, result: TrialResult, done: Done): void {
    switch (result.kind) {
      case 'ran':
        transaction.saw(step, result);
        done({ kind: 'ran', json: result.json });
        return;
      case 'differs':
        this.#conflict(transaction, done);
        return;
      case 'schema-changed':
        if (transaction.schemaIndex === undefined) done(result);
        else this.#conflict(transaction, done);
        return;
      case 'trouble':
        done(troubled(result.reason));
        return;
      default:
        unreachable(result);
    }
  }

  #conflict(transaction: Transaction, done: Done): void {
    this.#forget(transaction);
    this.ended.conflict += 1;
    done(conflict);
  }

  #killed(transaction: Transaction): BackendRefusal {
    this.#forget(transaction);
    this.ended.killed += 1;
    const { user } = transaction.opening;
    const lengthMs = this.#context.penalties.punish(user);
    this.#context.log.warn(
      { user, lengthMs },
      'a statement of a transaction ran too long; the writer is replaced',
    );
    return tooExpensive('a statement ran too long; the transaction is over, nothing was applied');
  }

  #commit(step: Request<'commit'>, done: Done): void {
    const transaction = this.#find(step.id, step.user);
    if (transaction === undefined) {
      this.#commits.lookUp(step, done);
      return;
    }
    if (transaction.busy !== 'no') {
      done(underWay);
      return;
    }
    if (transaction.isEmpty) {
      this.#forget(transaction);
      done({ kind: 'committed', index: 0 });
      return;
    }
    transaction.busy = 'commit';
    this.#takeTurn(transaction, done, (over) => {
      this.#commits.commit(transaction, step, over, (end) => {
        this.#idle(transaction);
        if (end.kind === 'killed') {
          done(this.#killed(transaction));
          return;
        }
        if (end.isOver) this.#forget(transaction);
        if (end.reply.kind === 'committed') this.ended.committed += 1;
        else if (end.reply === conflict) this.ended.conflict += 1;
        done(end.reply);
      });
    });
  }
}

// The leader's part of interactive transactions, over a real database: what ends one, what is
// refused, what happens when the writer dies, hangs, or the office is lost in the middle.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import type { TransactionReply } from '#http/backend.ts';
import {
  transactionBytesMax,
  transactionHoldMs,
  transactionIdleMs,
  transactionRunMs,
  transactionsBytesMax,
  transactionsMax,
  transactionTotalMs,
  transactionTurnMs,
  transactionWriterMs,
} from '#limits.ts';
import { createLogger } from '#node/logger.ts';
import { Penalties } from '#node/penalties.ts';
import { OpenTransactions, type TransactionStep } from '#node/transactions/open-transactions.ts';
import type { TryingWriter } from '#node/transactions/trials.ts';
import { executed, seedOf, tableOf, temporaryFolder, writerIn } from '../db/support.ts';

/** A leader with a database and nothing else; what a test wants to be otherwise it sets. */
class Leader {
  readonly writer;
  readonly open: OpenTransactions;
  nowMs = 1000;
  term: number | undefined = 1;
  older: string | undefined;
  held = false;
  /** Entries that are in the log and not applied. */
  lag = 0;
  /** Runs so far, and how often the writer was killed. */
  runs = 0;
  abandoned = 0;
  /** What the writer does with a run. */
  onRun: 'answers' | 'dies' | 'hangs' = 'answers';
  /** Milliseconds that a run takes. */
  runMs = 0;
  /** Called before a run is answered. */
  beforeAnswer: () => void = () => undefined;
  readonly proposed: Buffer[] = [];

  constructor(context: TestContext) {
    this.writer = writerIn(context, temporaryFolder(context));
    executed(this.writer, ['CREATE TABLE t(a)', 'CREATE TABLE other(a)']);
    const now = (): number => this.nowMs;
    const submit = (
      { command }: { readonly command: Uint8Array },
      done: (reply: { kind: 'outcome'; index: number; outcome: Buffer }) => void,
    ): void => {
      this.proposed.push(Buffer.from(command));
      const index = this.writer.state.appliedIndex + 1;
      const data = encodeProposal({ timeMs: 5, seed: seedOf(index), command });
      const entry = { index, term: 1, kind: 'command', data, render: 1 } as const;
      const [finished] = this.writer.apply([entry]).outcomes;
      done({ kind: 'outcome', index, outcome: Buffer.from(finished?.outcome ?? []) });
    };
    this.open = new OpenTransactions({
      writer: () => this.#trying(),
      proposals: {
        submit,
        submitHolding: submit,
        hold: () => {
          this.held = true;
        },
        release: () => {
          this.held = false;
        },
      },
      leadsIn: () => this.term,
      lastIndex: () => this.writer.state.appliedIndex + this.lag,
      appliedIndex: () => this.writer.state.appliedIndex,
      lastChange: () => this.writer.state.appliedIndex,
      afterwards: () => undefined,
      closed: () => undefined,
      findOlder: () => Promise.resolve(this.older),
      logTimeMs: () => 1_000_000,
      wallMs: () => 1_000_000,
      now,
      random: (bytes) => Buffer.alloc(bytes, this.nowMs + this.open.size),
      penalties: new Penalties(now),
      log: createLogger('fatal', 'json', { node: 'test', part: 'node' }),
    });
  }

  #trying(): TryingWriter {
    return {
      tryTransaction: (trial, started, done) => {
        this.runs += 1;
        started();
        this.#hanging = () => done(undefined);
        if (this.onRun === 'dies') done(undefined);
        if (this.onRun !== 'answers') return;
        const result = this.writer.tryTransaction(trial);
        this.nowMs += this.runMs;
        this.beforeAnswer();
        done(result);
      },
      abandon: () => {
        this.abandoned += 1;
        this.#hanging();
      },
    };
  }
  #hanging: () => void = () => undefined;

  /** The writer dies. */
  abandonAll(): void {
    this.#hanging();
  }

  ask(step: TransactionStep): Promise<TransactionReply> {
    return new Promise((resolve) => this.open.transact(step, resolve));
  }

  async openOne(user = 'ada'): Promise<string> {
    const reply = await this.ask({ kind: 'open', user, requestId: '' });
    assert.equal(reply.kind, 'opened');
    return reply.kind === 'opened' ? reply.id : '';
  }

  run(id: string, text: string, user = 'ada'): Promise<TransactionReply> {
    const command = encodeCommand({
      ...tableOf([text]),
      ...{ transaction: true, changesSchema: false, user, requestId: 'r' },
      schemaIndex: this.writer.state.schemaIndex,
    });
    return this.ask({ kind: 'run', id, user, requestId: 'r', command, render: 17 });
  }

  commit(id: string, user = 'ada'): Promise<TransactionReply> {
    return this.ask({ kind: 'commit', id, user, requestId: 'r', key: '' });
  }
}

const said = (reply: TransactionReply): string =>
  reply.kind === 'refused' ? `${reply.code} ${reply.applied}` : reply.kind;

const insert = 'INSERT INTO t VALUES(1)';
const elsewhere = 'INSERT INTO other VALUES(1)';

test('a transaction of which nothing was asked for its idle time is over, one that is asked is not', async (t) => {
  const leader = new Leader(t);
  const [idle, used] = [await leader.openOne(), await leader.openOne()];
  leader.nowMs += transactionIdleMs;
  assert.equal(said(await leader.run(used, insert)), 'ran');
  leader.nowMs += 1;
  assert.equal(said(await leader.run(idle, insert)), 'transaction_ended no');
  assert.equal(said(await leader.run(used, insert)), 'ran');
  assert.deepEqual([leader.open.size, leader.open.ended.expired], [1, 1]);
});

test('a transaction ends with its total time, however busy it was', async (t) => {
  const leader = new Leader(t);
  const id = await leader.openOne();
  for (let ms = 0; ms < transactionTotalMs; ms += transactionIdleMs) {
    leader.nowMs += transactionIdleMs;
    assert.equal(said(await leader.run(id, 'SELECT 1')), 'ran');
  }
  leader.nowMs += 1;
  assert.equal(said(await leader.commit(id)), 'transaction_ended no');
});

test('what is over makes room for others', async (t) => {
  const leader = new Leader(t);
  for (let at = 0; at < transactionsMax; at++) await leader.openOne(`user ${at}`);
  const full = await leader.ask({ kind: 'open', user: 'ada', requestId: '' });
  assert.equal(said(full), 'queue_full no');
  leader.nowMs += transactionIdleMs + 1;
  await leader.openOne();
  assert.equal(leader.open.size, 1);
});

test('who loses the office holds no transaction: a run under way and a commit that waits hear it', async (t) => {
  const leader = new Leader(t);
  const [one, two] = [await leader.openOne(), await leader.openOne()];
  await leader.run(two, insert);
  leader.onRun = 'hangs';
  const running = leader.run(one, insert);
  leader.onRun = 'answers';
  leader.lag = 1;
  const waiting = leader.commit(two);
  leader.term = undefined;
  leader.open.deposed();
  leader.abandonAll();
  assert.equal(said(await running), 'transaction_ended no');
  assert.equal(said(await waiting), 'transaction_ended no');
  assert.deepEqual([leader.held, leader.proposed.length, leader.open.size], [false, 0, 0]);
  assert.equal(said(await leader.run(two, insert)), 'not_leader no');
});

test('a commit that holds proposals back while the office is lost drops them, and lost and won again proposes nothing', async (t) => {
  const leader = new Leader(t);
  const [draining, seeing] = [await leader.openOne(), await leader.openOne()];
  await leader.run(draining, insert);
  await leader.run(seeing, insert);
  leader.lag = 1;
  const waits = leader.commit(draining);
  assert.equal(leader.held, true);
  leader.open.deposed();
  assert.equal(said(await waits), 'transaction_ended no');
  assert.equal(leader.held, false);
  leader.lag = 0;
  const again = await leader.openOne();
  await leader.run(again, insert);
  executed(leader.writer, [elsewhere]);
  // Another leader may have written meanwhile, and this node does not know it yet.
  leader.beforeAnswer = () => {
    leader.term = 3;
  };
  assert.equal(said(await leader.commit(again)), 'transaction_ended no');
  assert.deepEqual([leader.held, leader.proposed.length], [false, 0]);
});

test('a commit gives way when the log is not applied in time, and may be sent again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const leader = new Leader(t);
  const id = await leader.openOne();
  await leader.run(id, insert);
  leader.lag = 1;
  const waiting = leader.commit(id);
  t.mock.timers.tick(transactionHoldMs);
  assert.equal(said(await waiting), 'queue_full no');
  assert.equal(leader.held, false);
  leader.lag = 0;
  assert.equal(said(await leader.commit(id)), 'committed');
});

test('a commit waits until all that is in the log is applied, then names the last entry as its fence', async (t) => {
  const leader = new Leader(t);
  const id = await leader.openOne();
  await leader.run(id, insert);
  leader.lag = 1;
  const waiting = leader.commit(id);
  assert.deepEqual([leader.held, leader.proposed.length], [true, 0]);
  leader.open.applied();
  assert.equal(leader.proposed.length, 0);
  leader.lag = 0;
  executed(leader.writer, [elsewhere]);
  leader.open.applied();
  assert.equal(said(await waiting), 'committed');
  const [command] = leader.proposed.map(decodeCommand);
  assert.equal(command?.interactive?.fence, 2);
});

test('what was seen on the data of the moment is not run again at the commit, else it is', async (t) => {
  const leader = new Leader(t);
  const [same, changed] = [await leader.openOne(), await leader.openOne()];
  for (const id of [same, changed]) {
    assert.equal(said(await leader.run(id, insert)), 'ran');
    assert.equal(said(await leader.run(id, 'SELECT nothing')), 'ran');
  }
  assert.equal(leader.runs, 4);
  assert.equal(said(await leader.commit(same)), 'committed');
  assert.equal(leader.runs, 4);
  assert.equal(said(await leader.commit(changed)), 'transaction_conflict no');
  assert.equal(leader.runs, 5);
});

test('a writer that dies costs the step that it met, and no transaction', async (t) => {
  const leader = new Leader(t);
  const id = await leader.openOne();
  await leader.run(id, insert);
  leader.onRun = 'dies';
  assert.equal(said(await leader.run(id, insert)), 'not_ready no');
  executed(leader.writer, [elsewhere]);
  assert.equal(said(await leader.commit(id)), 'not_ready no');
  leader.onRun = 'answers';
  assert.equal(said(await leader.run(id, insert)), 'ran');
  assert.equal(said(await leader.commit(id)), 'committed');
  const [command] = leader.proposed.map(decodeCommand);
  assert.equal(command?.statements.length, 2);
});

test('a run that passes its deadline is killed: its transaction is over, its user waits, others do not', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const leader = new Leader(t);
  const [id, another] = [await leader.openOne(), await leader.openOne()];
  const others = await leader.openOne('bob');
  leader.onRun = 'hangs';
  const hanging = leader.run(id, insert);
  t.mock.timers.tick(transactionRunMs - 1);
  assert.equal(leader.abandoned, 0);
  t.mock.timers.tick(1);
  assert.equal(said(await hanging), 'statement_too_expensive no');
  leader.onRun = 'answers';
  assert.equal(said(await leader.run(id, insert)), 'transaction_ended no');
  assert.equal(said(await leader.run(another, insert)), 'statement_too_expensive no');
  assert.equal(said(await leader.run(others, insert, 'bob')), 'ran');
  leader.nowMs += 10_000;
  assert.equal(said(await leader.run(another, insert)), 'ran');
  assert.deepEqual([leader.abandoned, leader.open.ended.killed], [1, 1]);
});

test('rolling back while a statement hangs does not spare its user the wait', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const leader = new Leader(t);
  const [id, another] = [await leader.openOne(), await leader.openOne()];
  leader.onRun = 'hangs';
  const hanging = leader.run(id, insert);
  // This one waits for its turn behind it.
  const queued = leader.run(await leader.openOne(), insert);
  const step = { kind: 'rollback', id, user: 'ada', requestId: '' } as const;
  assert.equal(said(await leader.ask(step)), 'rolled-back');
  t.mock.timers.tick(transactionRunMs);
  assert.equal(said(await hanging), 'statement_too_expensive no');
  leader.nowMs += 1000;
  t.mock.timers.tick(1000);
  assert.equal(said(await queued), 'statement_too_expensive no');
  assert.deepEqual([leader.runs, leader.abandoned], [1, 1]);
  leader.onRun = 'answers';
  assert.equal(said(await leader.run(another, insert)), 'statement_too_expensive no');
});

test('a commit that is killed lets the others go on, and its transaction is over', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const leader = new Leader(t);
  const id = await leader.openOne();
  await leader.run(id, insert);
  executed(leader.writer, [elsewhere]);
  leader.onRun = 'hangs';
  const committing = leader.commit(id);
  assert.equal(leader.held, true);
  t.mock.timers.tick(transactionRunMs);
  assert.equal(said(await committing), 'statement_too_expensive no');
  assert.deepEqual([leader.held, leader.proposed.length, leader.open.size], [false, 0, 0]);
});

test('bytes of steps that wait for the writer count as those that were run', async (t) => {
  const leader = new Leader(t);
  leader.onRun = 'hangs';
  const large = `SELECT length('${'x'.repeat(transactionBytesMax / 2)}')`;
  const most = transactionsBytesMax / (transactionBytesMax / 2);
  const replies: string[] = [];
  for (let at = 0; at < most; at++) {
    const user = `user ${at}`;
    const id = await leader.openOne(user);
    void leader.run(id, large, user).then((reply) => replies.push(said(reply)));
  }
  await Promise.resolve();
  assert.deepEqual(replies, ['queue_full no']);
});

test('who may do other things now begins anew; a commit that is under way is not taken back', async (t) => {
  const leader = new Leader(t);
  const [one, committing] = [await leader.openOne(), await leader.openOne()];
  const others = await leader.openOne('bob');
  await leader.run(committing, insert);
  leader.lag = 1;
  const waiting = leader.commit(committing);
  leader.open.endThoseOf(['ada', 'eve']);
  leader.lag = 0;
  executed(leader.writer, [elsewhere]);
  leader.open.applied();
  assert.equal(said(await waiting), 'committed');
  assert.equal(said(await leader.run(one, insert)), 'transaction_ended no');
  assert.equal(said(await leader.run(others, insert, 'bob')), 'ran');
});

test('one step of a transaction at a time; it cannot be ended under a commit', async (t) => {
  const leader = new Leader(t);
  const id = await leader.openOne();
  leader.onRun = 'hangs';
  const running = leader.run(id, insert);
  assert.equal(said(await leader.run(id, insert)), 'queue_full no');
  assert.equal(said(await leader.commit(id)), 'queue_full no');
  leader.onRun = 'answers';
  leader.abandonAll();
  assert.equal(said(await running), 'not_ready no');
  await leader.run(id, insert);
  leader.lag = 1;
  const waiting = leader.commit(id);
  const step = { kind: 'rollback', id, user: 'ada', requestId: '' } as const;
  assert.equal(said(await leader.ask(step)), 'queue_full no');
  leader.lag = 0;
  executed(leader.writer, [elsewhere]);
  leader.open.applied();
  assert.equal(said(await waiting), 'committed');
});

test('time of the writer, bytes of one and of all are bounded', async (t) => {
  const leader = new Leader(t);
  const slow = await leader.openOne();
  leader.runMs = transactionWriterMs;
  assert.equal(said(await leader.run(slow, insert)), 'ran');
  leader.runMs = 0;
  assert.equal(said(await leader.run(slow, insert)), 'statement_too_expensive no');
  // The share of all is used up: what comes next waits for it.
  leader.nowMs += 1000;
  assert.equal(said(await leader.commit(slow)), 'committed');
  leader.nowMs += 1000;
  const large = `SELECT length('${'x'.repeat(transactionBytesMax / 2)}')`;
  const opened = async (at: number): Promise<TransactionReply> => {
    const user = `user ${at}`;
    return leader.run(await leader.openOne(user), large, user);
  };
  const most = transactionsBytesMax / (transactionBytesMax / 2);
  for (let at = 1; at < most; at++) assert.equal(said(await opened(at)), 'ran');
  assert.equal(said(await opened(most)), 'queue_full no');
  leader.nowMs += transactionIdleMs + 1;
  const later = await leader.openOne();
  assert.equal(said(await leader.run(later, large)), 'ran');
  assert.equal(said(await leader.run(later, large)), 'bad_request no');
});

test('who is over its share waits for its turn, and gives up after a while', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const leader = new Leader(t);
  const [first, second, third] = [
    await leader.openOne(),
    await leader.openOne(),
    await leader.openOne(),
  ];
  leader.runMs = 550;
  await leader.run(first, insert);
  leader.runMs = 0;
  const waiting = leader.run(second, insert);
  assert.equal(leader.runs, 1);
  // 250 ms were free; the other 300 come back at 30% of the time.
  leader.nowMs += 1001;
  t.mock.timers.tick(1001);
  assert.equal(said(await waiting), 'ran');
  leader.nowMs += 1000;
  leader.runMs = 5000;
  await leader.run(third, insert);
  leader.runMs = 0;
  const late = leader.run(second, insert);
  leader.nowMs += transactionTurnMs + 10_000;
  t.mock.timers.tick(transactionTurnMs + 10_000);
  assert.equal(said(await late), 'queue_full no');
  assert.equal(said(await leader.run(second, insert)), 'ran');
});

test('no transaction is opened while a member in reach cannot read its commit', async (t) => {
  const leader = new Leader(t);
  leader.older = 'n3';
  const reply = await leader.ask({ kind: 'open', user: 'ada', requestId: '' });
  assert.equal(said(reply), 'not_ready no');
  assert.match(reply.kind === 'refused' ? reply.message : '', /n3 is of a version without/);
});

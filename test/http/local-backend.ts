// A backend of one node in one process: the real writer and the real reader, without Raft.
// Proposals of one turn of the event loop are applied as one batch, as a node does. What a test
// wants to be otherwise (no leader, a follower, a refusal) it sets on the object.

import { randomBytes } from 'node:crypto';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import { decodeForwardReply, encodeForwardRequest } from '#command/forward-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import { ChangeReader } from '#db/changes/read-changes.ts';
import { splitDump } from '#db/load/split-dump.ts';
import { openReader } from '#db/open-reader.ts';
import { openWriter } from '#db/open-writer.ts';
import type { Reader } from '#db/reader.ts';
import type { CommittedEntry, Writer } from '#db/writer.ts';
import type {
  Backend,
  BackendRead,
  BackendRefusal,
  ClusterNode,
  NodeView,
  ProposeReply,
  RunningQuery,
  UsersReply,
} from '#http/backend.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { KillVerdict } from '#http/running/running-requests.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { openBackup } from '#node/backups/open-backup.ts';
import { openLoad } from '#node/loads/open-load.ts';
import { capturing } from '../db/support.ts';
import { type LocalTransactions, openLocalTransactions } from './local-transactions.ts';

/** What this backend does not look at in a proposal. */
const ordinary = { schemaIndex: 0, changesSchema: false, rehearse: false, frees: false };

interface Proposed {
  readonly entry: CommittedEntry;
  readonly done: (reply: ProposeReply) => void;
}

/** What the backend says of itself; a test may replace any of it. */
export type LocalView = Partial<NodeView>;

/** See above. */
export class LocalBackend implements Backend {
  readonly folder: string;
  readonly #captures: boolean;
  #changes: ChangeReader | undefined;
  readonly #writer: Writer;
  #reader: Reader;
  readonly #waiting: Proposed[] = [];
  #applied: { readonly appliedIndex: number; readonly schemaIndex: number };
  /** Overrides of the view. */
  assumed: LocalView = {};
  /** Taken instead of doing what was asked, as long as it is set. */
  refusal: BackendRefusal | undefined;
  /** Taken instead of a write, as long as it is set. */
  refuseProposals: BackendRefusal | undefined;
  /** Reads that are answered as if their deadline had passed. */
  readsTimeOut = false;
  /** The schema that reads say they were done in, by the true one. */
  readsInSchema: ((schemaIndex: number) => number) | undefined;
  /** The leader's side of forwarding: another front's `serveForwarded`. */
  leaderFront: ((bytes: Buffer, done: (reply: Uint8Array) => void) => void) | undefined;
  cluster: readonly ClusterNode[] = [];
  statusPart: Record<string, unknown> = {};
  /** What the fronts of this node count. */
  frontSamples: () => readonly (readonly Sample[])[] = () => [];
  readersKilled = 0;
  readers = 1;
  /** What reading the auth file anew does. */
  onReloadUsers: () => UsersReply = () => ({ kind: 'kept', code: 'not_ready', message: 'not set' });
  /** Wishes for another leader. */
  readonly stepDowns: { readonly to: string; readonly waitMs: number }[] = [];
  /** Members that were to be removed. */
  readonly removed: string[] = [];
  /** Requests that reached the backend, by kind. */
  readonly calls = { propose: 0, transact: 0, judge: 0, read: 0, forward: 0, readIndex: 0 };
  /** Called when `refusal` was used. */
  onRefusal: (() => void) | undefined;
  /** Every proposal meets a change of the schema that came just before it. */
  schemaMovesOn = false;
  #moves = 0;
  #snapshotIndex = 0;
  readonly #transactions: LocalTransactions;

  constructor(
    dataFolder: string,
    options: { readonly foreignKeys?: boolean; readonly captures?: boolean } = {},
  ) {
    this.folder = dataFolder;
    const effects = { files: systemFiles, random: cryptoRandom, clock: systemClock };
    const { captures = false, ...others } = options;
    this.#captures = captures;
    const changes = captures ? { changes: capturing } : {};
    this.#writer = openWriter({ dataFolder, ...effects, ...others, ...changes });
    this.#reader = openReader({ dataFolder, ...effects });
    this.#applied = this.#writer.state;
    this.#transactions = openLocalTransactions({
      writer: this.#writer,
      lastIndex: () => this.#applied.appliedIndex + this.#waiting.length,
      appliedIndex: () => this.#applied.appliedIndex,
      append: ({ command, render }, done) => this.#append(command, render, done),
    });
  }

  get view(): NodeView {
    const { appliedIndex, schemaIndex } = this.#applied;
    return {
      name: 'n1',
      role: 'leader',
      voter: true,
      term: 1,
      leader: { name: 'n1', apiUrl: 'https://127.0.0.1:4001', peerAddress: '127.0.0.1:4002' },
      commitIndex: appliedIndex,
      appliedIndex,
      schemaIndex,
      leaderContactMs: 0,
      ready: true,
      quarantined: false,
      ...this.assumed,
    };
  }

  close(): void {
    this.#reader.close();
    this.#changes?.close();
    this.#writer.close();
  }

  leaderSilentMs(): number {
    return this.view.leaderContactMs;
  }

  propose: Backend['propose'] = ({ command, render }, done) => {
    this.calls.propose += 1;
    if (this.#refuse(done)) return;
    const { refuseProposals } = this;
    if (refuseProposals !== undefined) {
      setImmediate(() => done(refuseProposals));
      return;
    }
    if (this.schemaMovesOn) {
      this.#moves += 1;
      const { schemaIndex } = this.view;
      const texts = [`CREATE TABLE moved_${this.#moves}(a)`];
      const statements = [{ text: 0, positional: [], named: [] }];
      const common = { transaction: false, changesSchema: true, user: 'other', requestId: '' };
      this.#append(encodeCommand({ texts, statements, schemaIndex, ...common }), 1, () => {});
    }
    this.#transactions.submit({ ...ordinary, command, render }, done);
  };

  transact: Backend['transact'] = (step, done) => {
    this.calls.transact += 1;
    if (this.#refuse(done)) return;
    this.#transactions.open.transact(step, done);
  };

  #append(command: Uint8Array, render: number, done: Proposed['done']): void {
    const data = encodeProposal({ timeMs: Date.now(), seed: randomBytes(16), command });
    const index = this.#applied.appliedIndex + this.#waiting.length + 1;
    this.#waiting.push({ entry: { index, term: 1, kind: 'command', data, render }, done });
    if (this.#waiting.length === 1) setImmediate(() => this.#apply());
  }

  changes: Backend['changes'] = ({ after, bytesMax }, done) => {
    if (this.#captures) this.#changes ??= ChangeReader.open(this.folder, systemFiles);
    const found = this.#changes?.read({ after, bytesMax });
    const off = { kind: 'refused', code: 'changes_off', message: 'off', applied: 'no' } as const;
    setImmediate(() => done(found === undefined ? off : { kind: 'changes', ...found }));
  };

  reloadUsers: Backend['reloadUsers'] = () => Promise.resolve(this.onReloadUsers());

  readIndex: Backend['readIndex'] = (_kind, _deadlineMs, done) => {
    this.calls.readIndex += 1;
    if (this.#refuse(done)) return;
    setImmediate(() => done({ kind: 'index', index: this.#applied.appliedIndex }));
  };

  whenApplied: Backend['whenApplied'] = (index, _deadlineMs, done) => {
    setImmediate(() => done(this.view.appliedIndex >= index));
  };

  judge: Backend['judge'] = ({ texts, unbounded }, done) => {
    this.calls.judge += 1;
    if (this.#refuse(done)) return;
    setImmediate(() =>
      done({ kind: 'verdicts', ...this.#reader.judge({ texts, heavy: unbounded }) }),
    );
  };

  read: Backend['read'] = (request, done) => {
    this.calls.read += 1;
    if (this.#refuse(done)) return;
    if (this.readsTimeOut) {
      const message = 'The read took too long';
      setImmediate(() => done({ kind: 'refused', code: 'timeout', message, applied: 'no' }));
      return;
    }
    setImmediate(() => {
      const rows = this.#readNow(request);
      const schemaIndex = this.readsInSchema?.(rows.schemaIndex) ?? rows.schemaIndex;
      done({ kind: 'rows', ...rows, schemaIndex });
    });
  };

  forward: Backend['forward'] = (request, done) => {
    this.calls.forward += 1;
    if (this.#refuse(done)) return;
    this.leaderFront?.(encodeForwardRequest(request), (reply) => {
      done({ kind: 'reply', ...decodeForwardReply(reply) });
    });
  };

  stepDown: Backend['stepDown'] = (to, waitMs) => {
    this.stepDowns.push({ to, waitMs });
    return Promise.resolve(this.refusal ?? { kind: 'done' });
  };

  consistencyAsked: { readonly check: boolean; readonly waitMs: number }[] = [];
  consistency: Backend['consistency'] = (check, waitMs) => {
    this.consistencyAsked.push({ check, waitMs });
    return Promise.resolve({ kind: 'report', report: '{"leader":"n1"}' });
  };
  removeMember: Backend['removeMember'] = (name) => {
    this.removed.push(name);
    return Promise.resolve(this.refusal ?? { kind: 'done' });
  };

  reap: Backend['reap'] = () =>
    Promise.resolve(this.refusal ?? { kind: 'reaped', ...this.#writer.reap() });

  backup: Backend['backup'] = (request) => openBackup({ folder: this.folder, ...request });

  split: Backend['split'] = ({ text }, done) => setImmediate(() => done(splitDump(text)));

  openLoad: Backend['openLoad'] = () => openLoad(this.folder);

  snapshot: Backend['snapshot'] = () => {
    const made = this.#applied.appliedIndex > this.#snapshotIndex;
    this.#snapshotIndex = this.#applied.appliedIndex;
    return Promise.resolve({ kind: 'done', made });
  };

  numbers: Backend['numbers'] = () =>
    Promise.resolve({
      proposalsInFlight: 3,
      alarms: ['apply_stalled'],
      restarts: { writer: 1, front: 2 },
      samples: [{ name: 'stockade_backup_running', labels: {}, value: 1 }],
      fronts: this.frontSamples(),
    });

  nodes: Backend['nodes'] = () => Promise.resolve(this.cluster);

  /** What this node's fronts have under way, and what becomes of the wish to end some of it. */
  running: () => readonly RunningQuery[] = () => [];
  end: (id: string) => KillVerdict = () => 'unknown';
  queries: Backend['queries'] = () => Promise.resolve(this.running());
  kill: Backend['kill'] = (id) => {
    if (this.refusal !== undefined) return Promise.resolve(this.refusal);
    const verdict = this.end(id);
    if (verdict === 'killed') return Promise.resolve({ kind: 'done' });
    const code = verdict === 'unknown' ? 'not_found' : 'not_killable';
    return Promise.resolve({ kind: 'refused', code, message: verdict, applied: 'no' });
  };

  /** Requests of which a reader was to end what it does. */
  readonly cancelled: string[] = [];
  cancel: Backend['cancel'] = (requestId) => {
    this.cancelled.push(requestId);
    return false;
  };

  status: Backend['status'] = () => Promise.resolve(this.statusPart);

  #readNow(request: BackendRead): ReturnType<Reader['read']> {
    const { texts, statements, transaction } = decodeCommand(request.command);
    const { render, rowsMax, bytesMax } = request;
    return this.#reader.read({ texts, statements, transaction, render, rowsMax, bytesMax });
  }

  #refuse(done: (reply: BackendRefusal) => void): boolean {
    const { refusal } = this;
    if (refusal === undefined) return false;
    setImmediate(() => {
      this.onRefusal?.();
      done(refusal);
    });
    return true;
  }

  #apply(): void {
    const batch = this.#waiting.splice(0);
    const applied = this.#writer.apply(batch.map(({ entry }) => entry));
    const { outcomes } = applied;
    this.#applied = applied;
    if (applied.replaced) {
      this.#reader.close();
      this.#reader = openReader({
        dataFolder: this.folder,
        files: systemFiles,
        random: cryptoRandom,
        clock: systemClock,
      });
    }
    this.#writer.maintain();
    const byIndex = new Map(outcomes.map(({ index, outcome }) => [index, outcome]));
    for (const { entry, done } of batch) {
      const outcome = Buffer.from(byIndex.get(entry.index) ?? Buffer.alloc(0));
      done({ kind: 'outcome', index: entry.index, outcome });
    }
    this.#transactions.open.applied();
  }
}

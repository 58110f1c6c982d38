// The front's view of its node: implements the interface that `http` declares, over the seam to the
// node and the pool of readers.
import { decodeForwardReply, encodeForwardRequest } from '#command/forward-codec.ts';
import { CodedError } from '#errors.ts';
import type {
  Backend,
  BackendRefusal,
  ForwardedReply,
  NodeView,
  ProposeReply,
  ReadIndexReply,
  TransactionReply,
} from '#http/backend.ts';
import type { Answer, Seam } from '#process/seam.ts';
import { openBackup } from './backups/open-backup.ts';
import { Deadlines } from './deadlines.ts';
import { openLoad } from './loads/open-load.ts';
import type { ReaderPool } from './reader-pool.ts';
import {
  beginWork,
  consistencyReport,
  endWork,
  nodeNumbers,
  nodeStatus,
  probeNodes,
  reapDisk,
  removeMember,
  stepDown,
  takeSnapshot,
  type WorkKind,
} from './seams/front-admin-seam.ts';
import { forward, propose, readIndex, type ViewPush } from './seams/front-seam.ts';
import { killQuery, listQueries } from './seams/queries-seam.ts';
import { transact } from './seams/transaction-seam.ts';
import { reloadAuthFile } from './seams/users-seam.ts';

const gone: BackendRefusal = {
  kind: 'refused',
  code: 'not_ready',
  message: 'the node behind this front is gone',
  applied: 'unknown',
};

const late = (applied: BackendRefusal['applied']): BackendRefusal => ({
  kind: 'refused',
  code: 'timeout',
  message:
    applied === 'no'
      ? 'the time for this request is over'
      : 'the time for this request is over; whether it is applied is not known',
  applied,
});

const capturesNothing: BackendRefusal = {
  kind: 'refused',
  code: 'changes_off',
  message: 'this node captures no changes; set cdc.enabled and restart it',
  applied: 'no',
};

interface IndexWaiter {
  readonly index: number;
  readonly done: (applied: boolean) => void;
}

/** A backend over the pipe to the node. */
export class FrontBackend implements Backend {
  view: NodeView;
  readonly #seam: Seam;
  readonly #readers: ReaderPool;
  readonly #deadlines: Deadlines;
  readonly #nowMs: () => number;
  #indexWaiters: IndexWaiter[] = [];
  #generation = 0;
  /** When the view was said, by this front's clock. */
  #saidMs: number;
  readonly #folder: string;
  readonly #captures: boolean;

  constructor(
    {
      name,
      dataFolder,
      capturesChanges,
    }: { readonly name: string; readonly dataFolder: string; readonly capturesChanges: boolean },
    seam: Seam,
    readers: ReaderPool,
    nowMs: () => number,
  ) {
    this.#folder = dataFolder;
    this.#captures = capturesChanges;
    this.#seam = seam;
    this.#readers = readers;
    this.#nowMs = nowMs;
    this.#saidMs = nowMs();
    this.#deadlines = new Deadlines(nowMs);
    this.view = {
      name,
      role: 'follower',
      voter: false,
      term: 0,
      leader: undefined,
      commitIndex: 0,
      appliedIndex: 0,
      schemaIndex: 0,
      leaderContactMs: Number.MAX_SAFE_INTEGER,
      ready: false,
      quarantined: false,
    };
  }

  /** The node says how it stands. */
  update(push: ViewPush): void {
    const { generation, ...view } = push;
    // First the readers: who is told below that an entry is applied reads it in the new database.
    if (generation !== this.#generation) this.#readers.renew();
    this.#generation = generation;
    this.view = { name: this.view.name, ...view };
    this.#saidMs = this.#nowMs();
    if (this.#indexWaiters.length === 0) return;
    const reached = this.#indexWaiters.filter(({ index }) => index <= push.appliedIndex);
    if (reached.length === 0) return;
    this.#indexWaiters = this.#indexWaiters.filter(({ index }) => index > push.appliedIndex);
    for (const { done } of reached) done(true);
  }

  /** A node that says nothing any more makes its view older, never its data fresher. */
  leaderSilentMs(): number {
    const { role, leaderContactMs } = this.view;
    return role === 'leader' ? 0 : leaderContactMs + this.#nowMs() - this.#saidMs;
  }

  propose: Backend['propose'] = (proposal, done) => {
    this.#within<ProposeReply>(proposal.deadlineMs, late('unknown'), done, (answered) => {
      this.#seam.call(propose, proposal, (answer) => answered(replyOf(answer)));
    });
  };

  transact: Backend['transact'] = ({ deadlineMs, ...step }, done) => {
    // Only a commit can have changed anything by then.
    const applied = step.kind === 'commit' ? 'unknown' : 'no';
    this.#within<TransactionReply>(deadlineMs, late(applied), done, (answered) => {
      this.#seam.call(transact, step, (answer) => answered(replyOf(answer)));
    });
  };

  readIndex: Backend['readIndex'] = (kind, deadlineMs, done) => {
    this.#within<ReadIndexReply>(deadlineMs, late('no'), done, (answered) => {
      this.#seam.call(readIndex, { kind }, (answer) => answered(replyOf(answer)));
    });
  };

  whenApplied: Backend['whenApplied'] = (index, deadlineMs, done) => {
    if (this.view.appliedIndex >= index) {
      done(true);
      return;
    }
    this.#within<boolean>(deadlineMs, false, done, (answered) => {
      this.#indexWaiters.push({ index, done: answered });
    });
  };

  judge: Backend['judge'] = ({ user, requestId, texts, unbounded, deadlineMs }, done) => {
    this.#readers.judge({ user, requestId }, { texts, heavy: unbounded }, deadlineMs, (reply) => {
      done('kind' in reply ? reply : { kind: 'verdicts', ...reply });
    });
  };

  read: Backend['read'] = (request, done) => {
    this.#readers.read(request, request, request.deadlineMs, (reply) => {
      if ('kind' in reply) done(reply);
      else {
        const { json, error, schemaIndex, microseconds } = reply;
        done({ kind: 'rows', json, error, schemaIndex, microseconds });
      }
    });
  };

  changes: Backend['changes'] = (request, done) => {
    if (!this.#captures) {
      done(capturesNothing);
      return;
    }
    const { user, requestId, after, bytesMax, deadlineMs } = request;
    this.#readers.changes({ user, requestId }, { after, bytesMax }, deadlineMs, (reply) => {
      if ('kind' in reply) done(reply);
      else done(reply.found === null ? capturesNothing : { kind: 'changes', ...reply.found });
    });
  };

  forward: Backend['forward'] = (request, done) => {
    const { timeoutMs } = request;
    const encoded = encodeForwardRequest(request);
    this.#within<ForwardedReply>(timeoutMs, late('unknown'), done, (answered) => {
      this.#seam.call(forward, { deadlineMs: timeoutMs, request: encoded }, (answer) => {
        const reply = replyOf(answer);
        if (reply.kind === 'refused') answered(reply);
        else answered(forwardedFrom(reply.bytes));
      });
    });
  };

  backup: Backend['backup'] = (request) =>
    this.#permitted('backup', 'This node makes as many backups as it may; try later', () =>
      openBackup({ folder: this.#folder, ...request }),
    );

  split: Backend['split'] = ({ user, requestId, text, deadlineMs }, done) => {
    this.#readers.split({ user, requestId }, text, deadlineMs, done);
  };

  openLoad: Backend['openLoad'] = () =>
    this.#permitted('load', 'This node takes another database file in; try later', () =>
      openLoad(this.#folder),
    );

  nodes: Backend['nodes'] = (replicas, timeoutMs) =>
    this.#seam.ask(probeNodes, { replicas, timeoutMs });

  stepDown: Backend['stepDown'] = (to, waitMs) => this.#seam.ask(stepDown, { to, waitMs });

  snapshot: Backend['snapshot'] = (trailing) => this.#seam.ask(takeSnapshot, { trailing });
  consistency: Backend['consistency'] = (check, waitMs) =>
    this.#seam.ask(consistencyReport, { check, waitMs });
  removeMember: Backend['removeMember'] = (name) => this.#seam.ask(removeMember, { name });

  reap: Backend['reap'] = () => this.#seam.ask(reapDisk, undefined);
  reloadUsers: Backend['reloadUsers'] = () => this.#seam.ask(reloadAuthFile, undefined);

  numbers: Backend['numbers'] = () => this.#seam.ask(nodeNumbers, undefined);

  queries: Backend['queries'] = () => this.#seam.ask(listQueries, undefined);
  kill: Backend['kill'] = (id) => this.#seam.ask(killQuery, { id });
  cancel: Backend['cancel'] = (requestId) => this.#readers.cancel(requestId);

  get readers(): number {
    return this.#readers.pids().length;
  }

  get readersKilled(): number {
    return this.#readers.killed;
  }

  status: Backend['status'] = () => this.#seam.ask(nodeStatus, undefined);

  /** Opens something of which a node has few at once; it counts until its process has ended. */
  async #permitted<Opened extends { readonly ended: Promise<unknown> }>(
    kind: WorkKind,
    full: string,
    open: () => Promise<Opened>,
  ): Promise<Opened> {
    const { granted } = await this.#seam.ask(beginWork, { kind });
    if (!granted) throw new CodedError('queue_full', full, { applied: 'no' });
    const over = (): void => this.#seam.notify(endWork, { kind });
    try {
      const opened = await open();
      void opened.ended.then(over);
      return opened;
    } catch (error) {
      over();
      throw error;
    }
  }

  /** Calls `done` with what `start` answers, or with `otherwise` when the time is over first. */
  #within<Reply>(
    ms: number,
    otherwise: Reply,
    done: (reply: Reply) => void,
    start: (answered: (reply: Reply) => void) => void,
  ): void {
    let open = true;
    const deadline = this.#deadlines.after(ms, () => {
      if (!open) return;
      open = false;
      done(otherwise);
    });
    start((reply) => {
      if (!open) return;
      open = false;
      deadline.cancel();
      done(reply);
    });
  }
}

/** Another node's bytes may be anything: what cannot be read says nothing of what was done. */
const forwardedFrom = (bytes: Buffer): ForwardedReply => {
  try {
    return { kind: 'reply', ...decodeForwardReply(bytes) };
  } catch {
    const message = 'the leader gave an answer that cannot be read';
    return { kind: 'refused', code: 'internal', message, applied: 'unknown' };
  }
};

const replyOf = <Reply>(answer: Answer<Reply>): Reply | BackendRefusal =>
  answer.kind === 'reply' ? answer.reply : gone;

// Interactive transactions of the backend for tests: those of a node, over the one writer of this
// process, which is never killed.
import { randomBytes } from 'node:crypto';
import type { Writer } from '#db/writer.ts';
import type { ProposeReply } from '#http/backend.ts';
import { createLogger } from '#node/logger.ts';
import { Penalties } from '#node/penalties.ts';
import type { FrontProposal } from '#node/seams/front-seam.ts';
import { OpenTransactions } from '#node/transactions/open-transactions.ts';

/** What they need of the backend. */
export interface LocalNode {
  readonly writer: Writer;
  readonly lastIndex: () => number;
  readonly appliedIndex: () => number;
  readonly append: (proposal: FrontProposal, done: (reply: ProposeReply) => void) => void;
}

/** Transactions, and the way of every other proposal past them. */
export interface LocalTransactions {
  readonly open: OpenTransactions;
  /** Appends now, or when a commit does not hold it back any longer. */
  readonly submit: LocalNode['append'];
}

/** Makes them. */
export const openLocalTransactions = (node: LocalNode): LocalTransactions => {
  let held: (() => void)[] | undefined;
  const submit: LocalNode['append'] = (proposal, done) => {
    if (held === undefined) node.append(proposal, done);
    else held.push(() => node.append(proposal, done));
  };
  const now = (): number => performance.now();
  const open = new OpenTransactions({
    writer: () => ({
      tryTransaction: (trial, started, done) => {
        started();
        setImmediate(() => done(node.writer.tryTransaction(trial)));
      },
      abandon: () => undefined,
    }),
    proposals: {
      submit,
      submitHolding: node.append,
      hold: () => {
        held ??= [];
      },
      release: () => {
        const waiting = held ?? [];
        held = undefined;
        for (const propose of waiting) propose();
      },
    },
    leadsIn: () => 1,
    lastIndex: node.lastIndex,
    appliedIndex: node.appliedIndex,
    lastChange: node.appliedIndex,
    afterwards: () => undefined,
    closed: () => undefined,
    findOlder: () => Promise.resolve(undefined),
    logTimeMs: () => Date.now(),
    wallMs: () => Date.now(),
    now,
    random: (bytes) => randomBytes(bytes),
    penalties: new Penalties(now),
    log: createLogger('error', 'json', { node: 'test', part: 'node' }),
  });
  return { open, submit };
};

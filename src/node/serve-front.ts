// What a front may ask of its node, method by method.

import { CodedError } from '#errors.ts';
import type { BackendRefusal, NodeNumbers, ReportReply } from '#http/backend.ts';
import type { Seam } from '#process/seam.ts';
import type { HandOver } from './hand-over.ts';
import type { LogTrimmer } from './log-trimmer.ts';
import type { MembershipChanges } from './membership-changes.ts';
import {
  forwardToLeader,
  leaderReadIndex,
  type PeerCallsContext,
  probeMembers,
} from './peer-calls.ts';
import type { Permits } from './permits.ts';
import { type Proposals, refused } from './proposals.ts';
import { killQuery, type QueriesContext, runningQueries } from './queries.ts';
import type { ReadRounds } from './read-rounds.ts';
import type { Rehearsals } from './rehearsals.ts';
import {
  beginWork,
  consistencyReport,
  endWork,
  nodeNumbers,
  nodeStatus,
  probeNodes,
  reapDisk,
  removeMember,
  stepDown as stepDownMethod,
  takeSnapshot,
} from './seams/front-admin-seam.ts';
import { forward, propose, readIndex } from './seams/front-seam.ts';
import { killQuery as killQueryMethod, listQueries } from './seams/queries-seam.ts';
import { transact } from './seams/transaction-seam.ts';
import { stepDown } from './step-down.ts';
import type { OpenTransactions } from './transactions/open-transactions.ts';
import type { WriterKeeper } from './writer-keeper.ts';

/** What answers need of the node. */
export interface ServeFrontContext {
  readonly proposals: Proposals;
  readonly rehearsals: Rehearsals;
  readonly transactions: OpenTransactions;
  readonly rounds: ReadRounds;
  readonly calls: PeerCallsContext;
  readonly membership: MembershipChanges;
  readonly keeper: WriterKeeper;
  readonly permits: Permits;
  readonly trimmer: LogTrimmer;
  readonly handOver: () => HandOver;
  readonly queries: () => QueriesContext;
  readonly electionMs: number;
  readonly numbers: () => Promise<NodeNumbers>;
  readonly status: () => Record<string, unknown>;
  readonly report: (check: boolean, waitMs: number) => Promise<ReportReply>;
}

/** Attaches the node's methods to a front's seam. */
export const serveFront = (seam: Seam, context: ServeFrontContext): void => {
  const { proposals, rehearsals, rounds, calls, permits } = context;
  seam.serve(propose, (proposal, reply) => {
    rehearsals.admit(proposal, reply, () => proposals.submit(proposal, reply));
  });
  seam.serve(transact, (step, reply) => context.transactions.transact(step, reply));
  seam.serve(readIndex, ({ kind }, reply) => {
    if (kind === 'strong') proposals.submitBarrier(reply);
    else if (calls.raft.softState.role === 'leader') rounds.request(reply);
    else leaderReadIndex(calls, reply);
  });
  seam.serve(forward, (request, reply) => forwardToLeader(calls, request, reply));
  seam.serve(probeNodes, ({ replicas, timeoutMs }, reply) => {
    void probeMembers(calls, replicas, timeoutMs).then(reply);
  });
  seam.serve(stepDownMethod, (request, reply) => {
    void stepDown(context.handOver(), request, context.electionMs).then(reply);
  });
  seam.serve(takeSnapshot, ({ trailing }, reply) => {
    context.trimmer.snapshot(trailing).then(
      (made) => reply({ kind: 'done', made }),
      () => reply(refused('not_ready', 'the database is not open now; try again')),
    );
  });
  seam.serve(removeMember, ({ name }, reply) => {
    const { membership } = context;
    membership.removeOnce(name).then(() => reply({ kind: 'done' }), answered(reply));
  });
  seam.serve(reapDisk, (_request, reply) => {
    context.keeper.reap().then((reaped) => reply({ kind: 'reaped', ...reaped }), answered(reply));
  });
  seam.serve(beginWork, ({ kind }, reply) => reply({ granted: permits.take(seam, kind) }));
  seam.hear(endWork, ({ kind }) => permits.giveBack(seam, kind));
  seam.serve(nodeNumbers, (_request, reply) => void context.numbers().then(reply));
  seam.serve(consistencyReport, ({ check, waitMs }, reply) => {
    void context.report(check, waitMs).then(reply);
  });
  seam.serve(listQueries, (_request, reply) => {
    void runningQueries(context.queries()).then(reply);
  });
  seam.serve(killQueryMethod, ({ id }, reply) => {
    void killQuery(id, context.queries()).then(reply);
  });
  seam.serve(nodeStatus, (_request, reply) => reply(context.status()));
};

/** For the rejection of a promise. */
const answered =
  (reply: (refusal: BackendRefusal) => void) =>
  (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof CodedError)) {
      reply({ ...refused('internal', message), applied: 'unknown' });
      return;
    }
    const { hint, applied = 'no' } = error.details;
    const whole = hint === undefined ? message : `${message}. ${hint}`;
    reply({ ...refused(error.code, whole), applied });
  };

// What a front may ask of its node, method by method.
import type { NodeNumbers } from '#http/backend.ts';
import type { Seam } from '#process/seam.ts';
import type { HandOver } from './hand-over.ts';
import type { LogTrimmer } from './log-trimmer.ts';
import {
  forwardToLeader,
  leaderReadIndex,
  type PeerCallsContext,
  probeMembers,
} from './peer-calls.ts';
import type { Permits } from './permits.ts';
import { type Proposals, refused } from './proposals.ts';
import type { ReadRounds } from './read-rounds.ts';
import type { Rehearsals } from './rehearsals.ts';
import {
  beginWork,
  endWork,
  forward,
  nodeNumbers,
  nodeStatus,
  probeNodes,
  propose,
  readIndex,
  stepDown as stepDownMethod,
  takeSnapshot,
} from './seams/front-seam.ts';
import { stepDown } from './step-down.ts';

/** What answers need of the node. */
export interface ServeFrontContext {
  readonly proposals: Proposals;
  readonly rehearsals: Rehearsals;
  readonly rounds: ReadRounds;
  readonly calls: PeerCallsContext;
  readonly permits: Permits;
  readonly trimmer: LogTrimmer;
  readonly handOver: () => HandOver;
  readonly electionMs: number;
  readonly numbers: () => Promise<NodeNumbers>;
  readonly status: () => Record<string, unknown>;
}

/** Attaches the node's methods to a front's seam. */
export const serveFront = (seam: Seam, context: ServeFrontContext): void => {
  const { proposals, rehearsals, rounds, calls, permits } = context;
  seam.serve(propose, (proposal, reply) => {
    rehearsals.admit(proposal, reply, () => proposals.submit(proposal, reply));
  });
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
  seam.serve(beginWork, ({ kind }, reply) => reply({ granted: permits.take(seam, kind) }));
  seam.hear(endWork, ({ kind }) => permits.giveBack(seam, kind));
  seam.serve(nodeNumbers, (_request, reply) => void context.numbers().then(reply));
  seam.serve(nodeStatus, (_request, reply) => reply(context.status()));
};

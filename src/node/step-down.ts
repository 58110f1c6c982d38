// A leader that is asked to gives its office to another node, at once and while it goes on running.
import type { BackendRefusal, DoneReply } from '#http/backend.ts';
import { isNodeName } from '#identity/node-name.ts';
import type { NodeId } from '#raft/node-id.ts';
import type { Refusal } from '#raft/ready.ts';
import { type HandOver, heirOf } from './hand-over.ts';
import { backendRefusalOf, refused } from './proposals.ts';
import type { StepDownRequest } from './seams/front-admin-seam.ts';

const lookEveryMs = 10;

/** A transfer is given up after one election time-out (dissertation 3.10); then this node leads. */
const electionsMax = 2;

/** Hands over; resolves when that has begun, or with `waitMs` when another node leads. */
export const stepDown = async (
  context: HandOver,
  { to, waitMs }: StepDownRequest,
  electionMs: number,
): Promise<DoneReply> => {
  const { raft, driver, clock } = context;
  if (raft.softState.role !== 'leader') return refused('not_leader', 'this node does not lead');
  const heir = to === '' ? heirOf(context) : named(context, to);
  if (heir === undefined) return refused('unreachable', 'cannot find peer');
  if (typeof heir !== 'string') return heir;
  const refusal = raft.transferLeadership(heir);
  if (refusal !== undefined) return refusalOf(refusal);
  driver.drain();
  if (waitMs === 0) return { kind: 'done' };
  const begunMs = clock.monotonicMs();
  for (;;) {
    const { role, leader } = raft.softState;
    if (role !== 'leader' && leader !== undefined) return { kind: 'done' };
    const passedMs = clock.monotonicMs() - begunMs;
    if (role === 'leader' && passedMs > electionsMax * electionMs) {
      return refused('unreachable', `${heir} did not take over`);
    }
    if (passedMs > waitMs) return tooLate;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
};

const tooLate: BackendRefusal = {
  ...refused('timeout', 'no other node leads yet'),
  applied: 'unknown',
};

/** A node that could take over, or why this one cannot. */
const named = (context: HandOver, to: string): NodeId | BackendRefusal => {
  const { raft, transport, self } = context;
  if (to === self) return refused('bad_request', 'cannot step down to the current Leader');
  const voter = raft.membership.voters.find((name) => name === to);
  if (voter === undefined || !isNodeName(voter)) {
    return refused('bad_request', 'node not found in cluster, or it is no voter');
  }
  return transport.isUp(voter) ? voter : refused('unreachable', `${to} cannot be reached`);
};

/** What a client that writes should try again is here what somebody else asked for already. */
const refusalOf = (refusal: Refusal): BackendRefusal =>
  refusal.kind === 'transfer-in-progress'
    ? refused('not_ready', 'leadership is being handed over already')
    : backendRefusalOf(refusal);

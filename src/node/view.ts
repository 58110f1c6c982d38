// How the node stands, as its fronts are told.
import type { LeaderView } from '#http/backend.ts';
import { isNodeName } from '#identity/node-name.ts';
import type { Raft } from '#raft/raft.ts';
import type { Transport } from '#transport/transport.ts';
import type { Members } from './members.ts';
import type { ViewPush } from './seams/front-seam.ts';
import { votingNames } from './voting-names.ts';

/** What a view is made of. */
export interface ViewSources {
  readonly raft: Raft;
  readonly self: string;
  readonly members: Members;
  readonly transport: Transport;
  readonly appliedIndex: number;
  readonly schemaIndex: number;
  readonly ready: boolean;
  readonly quarantined: boolean;
  readonly generation: number;
}

const roles = {
  follower: 'follower',
  'pre-candidate': 'candidate',
  candidate: 'candidate',
  leader: 'leader',
} as const;

const leaderView = (name: string, members: Members): LeaderView | undefined => {
  const record = members.record(name);
  return record === undefined
    ? undefined
    : { name, apiUrl: record.apiUrl, peerAddress: record.peerAddress };
};

/** The view at this moment. */
export const viewOf = (sources: ViewSources): ViewPush => {
  const { raft, self, members, transport } = sources;
  const { role, term, leader } = raft.softState;
  const silentMs =
    leader === undefined || !isNodeName(leader)
      ? Number.MAX_SAFE_INTEGER
      : transport.silentMs(leader);
  return {
    role: roles[role],
    voter: votingNames(raft.membership).has(self),
    term,
    leader: leader === undefined ? undefined : leaderView(leader, members),
    commitIndex: raft.commitIndex,
    appliedIndex: sources.appliedIndex,
    schemaIndex: sources.schemaIndex,
    leaderContactMs: role === 'leader' ? 0 : silentMs,
    ready: sources.ready,
    quarantined: sources.quarantined,
    generation: sources.generation,
  };
};

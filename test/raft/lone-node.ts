// One node and nobody else: tests play the others by hand, message by message, and look at what the
// node would send. For claims about a single rule.
import type { Entry, EntryKind } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Membership } from '#raft/membership.ts';
import type { Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import type { Raft, RaftOptions } from '#raft/raft.ts';
import { type Term, term } from '#raft/term.ts';
import { type Cluster, createCluster, createdContents, type Member } from './cluster.ts';
import { jsonCodec, membershipOf } from './membership-codec.ts';
import { type DiskContents, emptyContents } from './memory-disk.ts';

/** The node 'a', with what it has sent since the last look. */
export interface LoneNode {
  readonly cluster: Cluster;
  readonly member: Member;
  readonly raft: Raft;
  /** Steps a message from another node and lets `a` do what it owes. */
  hear(message: Message): readonly Message[];
  /** What `a` has sent since the last look. */
  sent(): readonly Message[];
  /** Makes `a` leader of its next term with the votes of all others. */
  lead(): void;
}

export const a = nodeId('a');
export const b = nodeId('b');
export const c = nodeId('c');

/**
 * Entries of these terms, from index `from`; the kind of all is `command` unless said otherwise.
 */
export const entriesOf = (from: number, ...terms: readonly number[]): Entry[] =>
  terms.map((value, position) => entryAt(from + position, value));

export const entryAt = (
  index: number,
  inTerm: number,
  kind: EntryKind = 'command',
  data: Uint8Array = new Uint8Array([index, inTerm]),
): Entry => ({ index: logIndex(index), term: term(inTerm), kind, data });

/** An entry that brings a configuration. */
export const configurationAt = (index: number, inTerm: number, membership: Membership): Entry =>
  entryAt(
    index,
    inTerm,
    'configuration',
    jsonCodec.encode({ membership, context: new Uint8Array(0) }),
  );

/** The creator's disk: entry 1 in term 1, then entries of these terms. */
export const contentsWith = (
  voters: readonly string[],
  terms: readonly number[] = [],
  learners: readonly string[] = [],
): DiskContents => {
  const created = createdContents(voters, learners);
  const entries = [...created.entries, ...entriesOf(2, ...terms)];
  const last = entries.at(-1)?.term ?? term(1);
  return { ...created, entries, hardState: { ...created.hardState, term: last } };
};

/** Starts 'a' with these contents. */
export const createLoneNode = (
  contents: DiskContents = emptyContents(),
  options: Partial<RaftOptions> = {},
): LoneNode => {
  const cluster = createCluster(options);
  const member = cluster.add('a', contents);
  const sent = (): readonly Message[] => cluster.wire.splice(0);
  const hear = (message: Message): readonly Message[] => {
    member.node.raft.step(message);
    cluster.settle('a');
    return sent();
  };
  return {
    cluster,
    member,
    get raft() {
      return member.node.raft;
    },
    hear,
    sent,
    lead() {
      member.node.raft.campaign();
      cluster.settle('a');
      // First the rehearsal, then the election.
      for (const phase of ['pre-candidate', 'candidate']) {
        if (member.node.raft.softState.role !== phase) break;
        for (const message of sent()) {
          if (message.kind === 'vote-request') member.node.raft.step(grantOf(message));
        }
        cluster.settle('a');
      }
    },
  };
};

const grantOf = ({
  to,
  from,
  term: inTerm,
  preVote,
}: Message & { kind: 'vote-request' }): Message => ({
  kind: 'vote-reply',
  from: to,
  to: from,
  term: inTerm,
  preVote,
  granted: true,
});

interface AppendParts {
  readonly from?: typeof b;
  readonly term: number;
  readonly prev: readonly [index: number, term: number];
  readonly entries?: readonly Entry[];
  readonly commit?: number;
}

export const appendTo = (parts: AppendParts): Message => ({
  kind: 'append',
  from: parts.from ?? b,
  to: a,
  term: term(parts.term),
  prevIndex: logIndex(parts.prev[0]),
  prevTerm: term(parts.prev[1]),
  entries: parts.entries ?? [],
  commitIndex: logIndex(parts.commit ?? 0),
});

export const acceptedBy = (from: typeof b, inTerm: Term | number, match: number): Message => ({
  kind: 'append-reply',
  from,
  to: a,
  term: term(inTerm),
  accepted: true,
  matchIndex: logIndex(match),
});

export const heartbeatTo = (inTerm: number, commit = 0, from = b, readContext = 0): Message => ({
  kind: 'heartbeat',
  from,
  to: a,
  term: term(inTerm),
  commitIndex: logIndex(commit),
  readContext,
});

interface VoteParts {
  readonly from?: typeof b;
  readonly term: number;
  readonly last: readonly [index: number, term: number];
  readonly preVote?: boolean;
  readonly transfer?: boolean;
}

export const voteRequestTo = (parts: VoteParts): Message => ({
  kind: 'vote-request',
  from: parts.from ?? b,
  to: a,
  term: term(parts.term),
  preVote: parts.preVote ?? false,
  transfer: parts.transfer ?? false,
  lastIndex: logIndex(parts.last[0]),
  lastTerm: term(parts.last[1]),
});

export const snapshotTo = (
  inTerm: number,
  index: number,
  indexTerm: number,
  from = b,
): Message => ({
  kind: 'snapshot',
  from,
  to: a,
  term: term(inTerm),
  index: logIndex(index),
  indexTerm: term(indexTerm),
  membership: membershipOf(['a', 'b', 'c']),
});

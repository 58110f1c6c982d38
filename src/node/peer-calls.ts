// What nodes ask each other besides Raft: to answer a client's data request, and how they are.
import { formatMax } from '#command/format.ts';
import type { BackendRefusal, ClusterNode, ReadIndexReply } from '#http/backend.ts';
import { isNodeName, nodeNameFrom } from '#identity/node-name.ts';
import type { Raft } from '#raft/raft.ts';
import type { Transport } from '#transport/transport.ts';
import type { Fronts } from './fronts.ts';
import type { Members } from './members.ts';
import { refused } from './proposals.ts';
import type { ReadRounds } from './read-rounds.ts';
import type { FrontForward, FrontForwarded } from './seams/front-seam.ts';
import { version } from './version.ts';
import { votingNames } from './voting-names.ts';

/**
 * Numbers of the calls on the wire, all of them; never reused. `handOver` asks the leader for its
 * office, `leave` to be removed; what changes the membership answers both. `introduce` asks a
 * member whom it knows.
 */
export const peerCalls = {
  ...{ forward: 1, describe: 2, readIndex: 3, handOver: 4 },
  ...{ prepareCheck: 5, collectCheck: 6, orderQuarantine: 7 },
  ...{ askForImage: 8, askForReport: 9, askForDigests: 10 },
  ...{ leave: 11, vitals: 12, introduce: 13, changesSent: 14 },
} as const;

/** A follower asks the leader so long from which index on a read is linearizable. */
const readIndexMs = 5000;

/** What a node says of itself; unknown fields are left alone. */
interface NodeDescription {
  readonly version: string;
  readonly apiUrl: string;
  /** The highest format of commands that it reads; 0: it is too old to say. */
  readonly commandFormat: number;
}

/** What the calls need of the node. */
export interface PeerCallsContext {
  readonly raft: Raft;
  readonly transport: Transport;
  readonly members: Members;
  readonly rounds: ReadRounds;
  readonly self: string;
  /** https://host:port of this node's API. */
  readonly apiUrl: string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const noLeader = refused('no_leader', 'no node leads at the moment');

/** Passes a data request to the leader. */
export const forwardToLeader = (
  context: PeerCallsContext,
  { request, deadlineMs }: FrontForward,
  done: (reply: FrontForwarded) => void,
): void => {
  const { leader } = context.raft.softState;
  if (leader === undefined || !isNodeName(leader)) {
    done(noLeader);
    return;
  }
  context.transport.call(leader, peerCalls.forward, request, deadlineMs, (reply) => {
    if (reply.kind === 'reply') done({ kind: 'reply', bytes: reply.payload });
    else done(notForwarded(leader, reply.reason, reply.sent));
  });
};

/** From which index on a read at this follower is linearizable, by the leader's word. */
export const leaderReadIndex = (
  context: PeerCallsContext,
  done: (reply: ReadIndexReply) => void,
): void => {
  const { leader } = context.raft.softState;
  if (leader === undefined || !isNodeName(leader)) {
    done(noLeader);
    return;
  }
  const nothing = Buffer.alloc(0);
  context.transport.call(leader, peerCalls.readIndex, nothing, readIndexMs, (reply) => {
    if (reply.kind === 'failed') {
      done(refused('unreachable', `the leader ${leader} cannot be asked: ${reply.reason}`));
    } else done(readIndexFrom(reply.payload));
  });
};

/** Eight bytes; anything else is a refusal. */
const readIndexFrom = (payload: Buffer): ReadIndexReply => {
  const index = payload.length === 8 ? Number(payload.readBigUInt64LE()) : Number.NaN;
  return Number.isSafeInteger(index)
    ? { kind: 'index', index }
    : refused('not_leader', 'the node that was asked does not lead');
};

const encodeReadIndex = (reply: ReadIndexReply): Buffer => {
  if (reply.kind === 'refused') return Buffer.alloc(0);
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64LE(BigInt(reply.index));
  return payload;
};

const notForwarded = (leader: string, reason: string, sent: boolean): BackendRefusal => ({
  kind: 'refused',
  code: 'unreachable',
  message: sent
    ? `the leader ${leader} did not answer: ${reason}; whether a write was applied is not known`
    : `the leader ${leader} cannot be reached: ${reason}`,
  applied: sent ? 'unknown' : 'no',
});

/** Asks every member how it is. */
export const probeMembers = async (
  context: PeerCallsContext,
  replicas: boolean,
  timeoutMs: number,
): Promise<readonly ClusterNode[]> => {
  const voting = votingNames(context.raft.membership);
  const wanted = context.members.all.filter(({ name }) => replicas || voting.has(name));
  return Promise.all(
    wanted.map(async ({ name, apiUrl, peerAddress }): Promise<ClusterNode> => {
      const since = context.now();
      const answer = await describeNode(context, name, timeoutMs);
      return {
        name,
        apiUrl,
        peerAddress,
        voter: voting.has(name),
        leader: context.raft.softState.leader === name,
        version: answer.description?.version ?? '',
        reachable: answer.description !== undefined,
        seconds: (context.now() - since) / 1000,
        error: answer.error,
      };
    }),
  );
};

interface Described {
  readonly description: NodeDescription | undefined;
  readonly error: string;
}

/** Asks one member how it is. */
export const describeNode = (
  context: Pick<PeerCallsContext, 'self' | 'apiUrl'> & {
    readonly transport: Pick<Transport, 'call'>;
  },
  name: string,
  timeoutMs: number,
): Promise<Described> => {
  if (name === context.self) {
    return Promise.resolve({ description: ownDescription(context.apiUrl), error: '' });
  }
  return new Promise((resolve) => {
    const to = nodeNameFrom(name);
    context.transport.call(to, peerCalls.describe, Buffer.alloc(0), timeoutMs, (reply) => {
      if (reply.kind === 'failed') resolve({ description: undefined, error: reply.reason });
      else resolve({ description: descriptionFrom(reply.payload), error: '' });
    });
  });
};

const ownDescription = (apiUrl: string): NodeDescription => ({
  version,
  apiUrl,
  commandFormat: formatMax,
});

const descriptionFrom = (payload: Buffer): NodeDescription => {
  const fields: unknown = JSON.parse(payload.toString('utf8'));
  const text = (key: string): string => {
    const value: unknown =
      typeof fields === 'object' && fields !== null ? Reflect.get(fields, key) : undefined;
    return typeof value === 'string' ? value : '';
  };
  const format: unknown =
    typeof fields === 'object' && fields !== null ? Reflect.get(fields, 'commandFormat') : 0;
  const commandFormat = typeof format === 'number' ? format : 0;
  return { version: text('version'), apiUrl: text('apiUrl'), commandFormat };
};

const encodeDescription = (description: NodeDescription): Buffer =>
  Buffer.from(JSON.stringify(description));

/** Answers what a peer asks. */
export const answerPeer = (
  context: PeerCallsContext,
  fronts: Fronts | undefined,
  method: number,
  payload: Buffer,
  reply: (payload: Uint8Array) => void,
): void => {
  if (method === peerCalls.describe) {
    reply(encodeDescription(ownDescription(context.apiUrl)));
  } else if (method === peerCalls.readIndex) {
    context.rounds.request((answer) => reply(encodeReadIndex(answer)));
  } else if (method === peerCalls.forward) {
    fronts?.serveForwarded(payload, (answer) => {
      // Without an answer the caller's deadline passes: whether the front did the work is unknown.
      if (answer !== undefined) reply(answer);
    });
  }
};

// What nodes ask each other besides Raft: to answer a client's data request, and how they are.
import type { BackendRefusal, ClusterNode } from '#http/backend.ts';
import { isNodeName, nodeNameFrom } from '#identity/node-name.ts';
import type { Raft } from '#raft/raft.ts';
import type { Transport } from '#transport/transport.ts';
import type { Fronts } from './fronts.ts';
import type { Members } from './members.ts';
import { refused } from './proposals.ts';
import type { FrontForward, FrontForwarded } from './seams/front-seam.ts';
import { version } from './version.ts';
import { votingNames } from './voting-names.ts';

/** Numbers of the calls on the wire; never reused. */
const peerCalls = { forward: 1, describe: 2 } as const;

/** What a node says of itself; unknown fields are left alone. */
interface NodeDescription {
  readonly version: string;
  readonly apiUrl: string;
}

/** What the calls need of the node. */
export interface PeerCallsContext {
  readonly raft: Raft;
  readonly transport: Transport;
  readonly members: Members;
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
  context: Pick<PeerCallsContext, 'self' | 'apiUrl' | 'transport'>,
  name: string,
  timeoutMs: number,
): Promise<Described> => {
  if (name === context.self) {
    return Promise.resolve({ description: { version, apiUrl: context.apiUrl }, error: '' });
  }
  return new Promise((resolve) => {
    const to = nodeNameFrom(name);
    context.transport.call(to, peerCalls.describe, Buffer.alloc(0), timeoutMs, (reply) => {
      if (reply.kind === 'failed') resolve({ description: undefined, error: reply.reason });
      else resolve({ description: descriptionFrom(reply.payload), error: '' });
    });
  });
};

const descriptionFrom = (payload: Buffer): NodeDescription => {
  const fields: unknown = JSON.parse(payload.toString('utf8'));
  const text = (key: string): string => {
    const value: unknown =
      typeof fields === 'object' && fields !== null ? Reflect.get(fields, key) : undefined;
    return typeof value === 'string' ? value : '';
  };
  return { version: text('version'), apiUrl: text('apiUrl') };
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
    reply(encodeDescription({ version, apiUrl: context.apiUrl }));
  } else if (method === peerCalls.forward) {
    fronts?.serveForwarded(payload, (answer) => {
      // Without an answer the caller's deadline passes: whether the front did the work is unknown.
      if (answer !== undefined) reply(answer);
    });
  }
};

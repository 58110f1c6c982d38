// What fronts ask their node now and then: how the cluster is, administration, and leave for work
// of which a node does little at once. Kinds of messages are shared with front-seam.ts: 13 to 18
// and from 21 on are here.
import type {
  ClusterNode,
  DoneReply,
  NodeNumbers,
  ReapReply,
  ReportReply,
  SnapshotReply,
} from '#http/backend.ts';
import { emptyCodec, jsonCodec, type Method, type SeamEvent } from '#process/seam.ts';

/** Front to node: probe all members. */
export const probeNodes: Method<
  { readonly replicas: boolean; readonly timeoutMs: number },
  readonly ClusterNode[]
> = { kind: 13, request: jsonCodec(), reply: jsonCodec() };

/** Front to node: its part of /status. */
export const nodeStatus: Method<undefined, Record<string, unknown>> = {
  kind: 14,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** A wish for another leader: a node's name, empty for any, and how long to wait for it. */
export interface StepDownRequest {
  readonly to: string;
  readonly waitMs: number;
}

/** Front to node: hand leadership over. */
export const stepDown: Method<StepDownRequest, DoneReply> = {
  kind: 15,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Work of which a node does little at once. */
export type WorkKind = 'backup' | 'load';

/** Front to node: may one more begin? */
export const beginWork: Method<{ readonly kind: WorkKind }, { readonly granted: boolean }> = {
  kind: 17,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Front to node: one that was granted is over. */
export const endWork: SeamEvent<{ readonly kind: WorkKind }> = { kind: 18, value: jsonCodec() };

/** Front to node: make what is applied durable, trim the log. */
export const takeSnapshot: Method<{ readonly trailing: number }, SnapshotReply> = {
  kind: 19,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Front to node: remove a member. */
export const removeMember: Method<{ readonly name: string }, DoneReply> = {
  kind: 21,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Front to node: tidy up the disk. */
export const reapDisk: Method<undefined, ReapReply> = {
  kind: 22,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** Front to node: what the node and all its fronts have counted. */
export const nodeNumbers: Method<undefined, NodeNumbers> = {
  kind: 16,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** Front to node: how replicas compare; `check` asks for a content check, waited for so long. */
export const consistencyReport: Method<
  { readonly check: boolean; readonly waitMs: number },
  ReportReply
> = { kind: 30, request: jsonCodec(), reply: jsonCodec() };

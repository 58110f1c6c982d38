// What a command of this machine and the node say to each other over the node's own socket: who
// may connect is the owner of the data folder, so there is no other login.
import { emptyCodec, jsonCodec, type Method, type SeamCodec } from '#process/seam.ts';

/** Largest frame: certificates, requests, a handful of names. */
export const adminFrameBytesMax = 256 * 1024;

/** The socket's name in the data folder. */
export const adminSocketName = 'admin.sock';

/** A refusal on its way to a terminal. */
export interface AdminFailure {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** An answer, or why there is none. */
export type AdminReply<Value> = { readonly kind: 'done'; readonly value: Value } | AdminFailure;

/** One member as this node sees it. */
export interface AdminMember {
  readonly name: string;
  readonly role: 'voter' | 'learner' | 'read-replica';
  /** It is connected to this node, or is this node. */
  readonly up: boolean;
  readonly keyPin: string;
}

/** How the node stands. */
export interface AdminStatus {
  readonly name: string;
  readonly cluster: string;
  readonly leader: string;
  readonly ready: boolean;
  readonly members: readonly AdminMember[];
}

const reply = <Value>(): SeamCodec<AdminReply<Value>> => jsonCodec<AdminReply<Value>>();

/** How the node stands. */
export const adminStatus: Method<undefined, AdminReply<AdminStatus>> = {
  kind: 1,
  request: emptyCodec,
  reply: reply(),
};

/** Removes a member; answered when it is committed. */
export const adminRemove: Method<{ readonly name: string }, AdminReply<null>> = {
  kind: 2,
  request: jsonCodec(),
  reply: reply(),
};

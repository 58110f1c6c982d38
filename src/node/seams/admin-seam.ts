// What a command of this machine and the node say to each other over the node's own socket: who
// may connect is the owner of the data folder, so there is no other login.
import type { DeniedRecord } from '#command/member.ts';
import { emptyCodec, jsonCodec, type Method, type SeamCodec } from '#process/seam.ts';

/** Largest frame: an auth file of a mebibyte as JSON, certificates, requests, names. */
export const adminFrameBytesMax = 4 * 1024 * 1024;

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
  /** The cluster shuts it out; absent means no. */
  readonly denied?: boolean;
  readonly keyPin: string;
  /** host:port */
  readonly peerAddress: string;
  /** https://host:port */
  readonly apiUrl: string;
  /** How far its log is behind what is committed; only the leader knows. */
  readonly entriesBehind?: number;
  /** Since when it is silent; absent when it is up, or was never heard. */
  readonly silentMs?: number;
}

/** How the node stands. */
export interface AdminStatus {
  readonly name: string;
  readonly cluster: string;
  readonly version: string;
  readonly role: 'follower' | 'candidate' | 'leader';
  /** Its own vote counts. */
  readonly voter: boolean;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly leader: string;
  readonly ready: boolean;
  readonly members: readonly AdminMember[];
}

/** What somebody is to be let in by: the public half of a token. */
export interface AdminGrant {
  readonly name: string;
  readonly publicKey: string;
  readonly readReplica: boolean;
}

/** What a token carries besides its seed. */
export interface AdminGranted {
  /** By this node's clock. */
  readonly expiresMs: number;
  /** host:port of the join listener. */
  readonly address: string;
}

/** What a signer is asked: certificates for a newcomer whose token was proved. */
export interface SignRequest {
  readonly name: string;
  /** PKCS#10, PEM; as the newcomer sent them, unjudged. */
  readonly peerRequest: string;
  readonly httpsRequest: string;
  /** The key that the newcomer proved; the peer request must be for it. */
  readonly keyPin: string;
  readonly hosts: readonly string[];
  /** Where it comes from, for the person at the terminal. */
  readonly from: string;
}

/** What a signer made; PEM. */
export interface SignedCertificates {
  readonly peerCertificate: string;
  readonly peerCa: string;
  readonly httpsCertificate: string;
  readonly clientCa: string;
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

/**
 * Opens grants and makes the asking connection their signer until it ends; answered when the grants
 * are committed.
 */
export const adminGrant: Method<
  { readonly grants: readonly AdminGrant[]; readonly ttlMs: number },
  AdminReply<AdminGranted>
> = { kind: 3, request: jsonCodec(), reply: reply() };

/** Makes the connection the signer of grants that are open: after the node was restarted. */
export const adminSignFor: Method<{ readonly names: readonly string[] }, AdminReply<null>> = {
  kind: 4,
  request: jsonCodec(),
  reply: reply(),
};

/** What is to be shut out, or let in again. */
export interface AdminDeny {
  /** A certificate with the pin of its key, when the certificate itself is at hand. */
  readonly deny: readonly Pick<DeniedRecord, 'name' | 'serial' | 'issuer' | 'keyPin'>[];
  readonly lift: readonly Pick<DeniedRecord, 'name' | 'serial' | 'issuer'>[];
  readonly reason: string;
}

/** Changes the deny-list and answers with it when that is committed; nothing to do: answers. */
export const adminDeny: Method<AdminDeny, AdminReply<readonly DeniedRecord[]>> = {
  kind: 20,
  request: jsonCodec(),
  reply: reply(),
};

/** A newcomer whose certificate was made without this node: the operator vouches for it. */
export interface AdminCarried {
  readonly name: string;
  readonly storeId: string;
  readonly peerAddress: string;
  readonly apiUrl: string;
  /** PEM. */
  readonly peerCertificate: string;
  readonly readReplica: boolean;
}

/** What the newcomer gets besides its certificates. */
export interface AdminCarriedIn {
  readonly authFile: string;
  /** Encoded cluster record, base64. */
  readonly clusterRecord: string;
}

/** Makes it a member; answered when it is committed, and the same again for the same newcomer. */
export const adminAdmitCarried: Method<AdminCarried, AdminReply<AdminCarriedIn>> = {
  kind: 8,
  request: jsonCodec(),
  reply: reply(),
};

/** Asked of a signer. */
export const signCertificates: Method<SignRequest, AdminReply<SignedCertificates>> = {
  kind: 5,
  request: jsonCodec(),
  reply: reply(),
};

/** Makes a read replica a voter; answered when it is committed. */
export const adminPromote: Method<{ readonly name: string }, AdminReply<null>> = {
  kind: 6,
  request: jsonCodec(),
  reply: reply(),
};

/** Gives the leadership to a voter (empty: to any); answered with who leads then. */
export const adminTransfer: Method<
  { readonly to: string },
  AdminReply<{ readonly leader: string }>
> = { kind: 7, request: jsonCodec(), reply: reply() };

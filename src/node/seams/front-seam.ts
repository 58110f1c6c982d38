// What the node and its fronts say to each other.
import type { DeniedRecord } from '#command/member.ts';
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import type { Applied, ErrorCode } from '#errors.ts';
import type {
  BackendProposal,
  BackendRefusal,
  LeaderView,
  NodeView,
  ProposeReply,
  ReadIndexReply,
} from '#http/backend.ts';
import type { CertificateEnd } from '#http/certificate-ends.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { QueueSettings } from '#http/queue/write-queue.ts';
import {
  bytesCodec,
  emptyCodec,
  jsonCodec,
  type Method,
  type SeamCodec,
  type SeamEvent,
} from '#process/seam.ts';
import type { UsersStart } from './users-seam.ts';

/** One writer for all: `finish` copies, and no encoding calls another one. */
const scratch = new WireWriter();

/** What a front needs to serve. It reads certificates and keys by itself. */
export interface FrontStart extends UsersStart {
  readonly name: string;
  readonly version: string;
  readonly cluster: string;
  readonly dataFolder: string;
  /** `cdc.enabled`. */
  readonly capturesChanges: boolean;
  readonly advertise: string;
  readonly peerAdvertise: string;
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  readonly bodyBytesMax: number;
  readonly allowOrigins: readonly string[];
  /** `compat.statusCodes`. */
  readonly alwaysUnauthorized: boolean;
  readonly queue: QueueSettings;
  readonly readers: number;
  readonly doubleQuotedStrings: boolean;
  readonly statementDeadlineMs: number;
  readonly slowStatementMs: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly logLevel: string;
  readonly logFormat: string;
}

/** Whether a front serves; an empty `code` means it does. */
export interface FrontStarted {
  readonly code: ErrorCode | '';
  readonly message: string;
  readonly hint: string;
}

/** A data request on its way to the leader, encoded already. */
export interface FrontForward {
  readonly deadlineMs: number;
  readonly request: Uint8Array;
}

/** What came back from the leader: an encoded ForwardReply, or why not. */
export type FrontForwarded = { readonly kind: 'reply'; readonly bytes: Buffer } | BackendRefusal;

/** Writes a refusal as fields 1 to 3, with which every reply begins that may be one. */
export const refusalFields = (out: WireWriter, refusal: BackendRefusal): void => {
  out.stringField(1, refusal.code);
  out.stringField(2, refusal.message);
  out.stringField(3, refusal.applied);
};

/** A refusal's fields while they are read. */
export interface RefusalDraft {
  code: string;
  message: string;
  applied: string;
}

/** Reads one of a refusal's fields; false when the tag is another one. */
export const readRefusal = (input: WireReader, tag: number, draft: RefusalDraft): boolean => {
  if (tag === 8 + wireType.bytes) draft.code = input.string();
  else if (tag === 16 + wireType.bytes) draft.message = input.string();
  else if (tag === 24 + wireType.bytes) draft.applied = input.string();
  else return false;
  return true;
};

/** None so far. */
export const emptyRefusal = (): RefusalDraft => ({ code: '', message: '', applied: '' });

/** The refusal that was read. */
export const refusalFrom = (draft: RefusalDraft): BackendRefusal => ({
  kind: 'refused',
  // Both ends are of one version: what the node encoded is of these types.
  code: draft.code as ErrorCode,
  message: draft.message,
  applied: draft.applied as Applied,
});

/** What of a proposal crosses: the deadline stays with the front. */
export type FrontProposal = Omit<BackendProposal, 'deadlineMs'>;

const flagsOf = ({ changesSchema, rehearse, frees }: FrontProposal): number =>
  (changesSchema ? 1 : 0) + (rehearse ? 2 : 0) + (frees ? 4 : 0);

const proposalCodec: SeamCodec<FrontProposal> = {
  encode: (proposal) => {
    const out = scratch;
    out.varintField(1, proposal.render);
    out.varintField(2, proposal.schemaIndex);
    out.varintField(3, flagsOf(proposal));
    out.bytesField(4, proposal.command);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    let [render, schemaIndex, flags] = [0, 0, 0];
    let command: Buffer = Buffer.alloc(0);
    while (!input.done) {
      const tag = input.tag();
      if (tag === 8 + wireType.varint) render = input.varint();
      else if (tag === 16 + wireType.varint) schemaIndex = input.varint();
      else if (tag === 24 + wireType.varint) flags = input.varint();
      else if (tag === 32 + wireType.bytes) command = Buffer.from(input.bytes());
      else input.skip(tag);
    }
    const changesSchema = (flags & 1) !== 0;
    const rehearse = (flags & 2) !== 0;
    return { render, schemaIndex, changesSchema, rehearse, frees: (flags & 4) !== 0, command };
  },
};

const proposeReplyCodec: SeamCodec<ProposeReply> = {
  encode: (reply) => {
    const out = scratch;
    if (reply.kind === 'refused') refusalFields(out, reply);
    else {
      out.varintField(4, reply.index);
      out.bytesField(5, reply.outcome);
    }
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    const draft = emptyRefusal();
    let index = 0;
    let outcome: Buffer = Buffer.alloc(0);
    while (!input.done) {
      const tag = input.tag();
      if (readRefusal(input, tag, draft)) continue;
      if (tag === 32 + wireType.varint) index = input.varint();
      else if (tag === 40 + wireType.bytes) outcome = Buffer.from(input.bytes());
      else input.skip(tag);
    }
    return draft.code === '' ? { kind: 'outcome', index, outcome } : refusalFrom(draft);
  },
};

const readIndexReplyCodec: SeamCodec<ReadIndexReply> = {
  encode: (reply) => {
    const out = scratch;
    if (reply.kind === 'refused') refusalFields(out, reply);
    else out.varintField(4, reply.index);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    const draft = emptyRefusal();
    let index = 0;
    while (!input.done) {
      const tag = input.tag();
      if (readRefusal(input, tag, draft)) continue;
      if (tag === 32 + wireType.varint) index = input.varint();
      else input.skip(tag);
    }
    return draft.code === '' ? { kind: 'index', index } : refusalFrom(draft);
  },
};

const forwardCodec: SeamCodec<FrontForward> = {
  encode: (forward) => {
    const out = scratch;
    out.varintField(1, forward.deadlineMs);
    out.bytesField(2, forward.request);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    let deadlineMs = 0;
    let request: Buffer = Buffer.alloc(0);
    while (!input.done) {
      const tag = input.tag();
      if (tag === 8 + wireType.varint) deadlineMs = input.varint();
      else if (tag === 16 + wireType.bytes) request = Buffer.from(input.bytes());
      else input.skip(tag);
    }
    return { deadlineMs, request };
  },
};

const forwardedCodec: SeamCodec<FrontForwarded> = {
  encode: (reply) => {
    const out = scratch;
    if (reply.kind === 'refused') refusalFields(out, reply);
    else out.bytesField(4, reply.bytes);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    const draft = emptyRefusal();
    let reply: Buffer = Buffer.alloc(0);
    while (!input.done) {
      const tag = input.tag();
      if (readRefusal(input, tag, draft)) continue;
      if (tag === 32 + wireType.bytes) reply = Buffer.from(input.bytes());
      else input.skip(tag);
    }
    return draft.code === '' ? { kind: 'reply', bytes: reply } : refusalFrom(draft);
  },
};

const roles: readonly NodeView['role'][] = ['follower', 'candidate', 'leader'];

/** The part of the view that changes with every batch. */
export interface ViewPush extends Omit<NodeView, 'name' | 'leader'> {
  readonly leader: LeaderView | undefined;
  /** Grows when the database was replaced: readers of the old one are of no use then. */
  readonly generation: number;
}

const viewCodec: SeamCodec<ViewPush> = {
  encode: (view) => {
    const out = scratch;
    out.varintField(1, roles.indexOf(view.role));
    out.varintField(2, (view.voter ? 1 : 0) + (view.ready ? 2 : 0) + (view.quarantined ? 4 : 0));
    out.varintField(3, view.term);
    out.varintField(4, view.commitIndex);
    out.varintField(5, view.appliedIndex);
    out.varintField(6, view.schemaIndex);
    out.varintField(7, Math.min(Math.ceil(view.leaderContactMs), 0xffff_ffff));
    if (view.leader !== undefined) {
      out.stringField(8, view.leader.name);
      out.stringField(9, view.leader.apiUrl);
      out.stringField(10, view.leader.peerAddress);
    }
    out.varintField(11, view.generation);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    const numbers = [0, 0, 0, 0, 0, 0, 0, 0];
    const texts = ['', '', ''];
    let generation = 0;
    while (!input.done) {
      const tag = input.tag();
      const at = Math.floor(tag / 8);
      if (tag % 8 === wireType.varint && at <= 7) numbers[at] = input.varint();
      else if (tag % 8 === wireType.bytes && at <= 10) texts[at - 8] = input.string();
      else if (tag % 8 === wireType.varint && at === 11) generation = input.varint();
      else input.skip(tag);
    }
    const [, role = 0, flags = 0, term = 0, commitIndex = 0, appliedIndex = 0] = numbers;
    const [name = '', apiUrl = '', peerAddress = ''] = texts;
    return {
      role: roles[role] ?? 'follower',
      voter: (flags & 1) !== 0,
      ready: (flags & 2) !== 0,
      quarantined: (flags & 4) !== 0,
      term,
      commitIndex,
      appliedIndex,
      schemaIndex: numbers[6] ?? 0,
      leaderContactMs: numbers[7] ?? 0,
      leader: name === '' ? undefined : { name, apiUrl, peerAddress },
      generation,
    };
  },
};

/** Node to front: settings; the answer comes when the front can take the listening handle. */
export const startFront: Method<FrontStart, FrontStarted> = {
  kind: 1,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Node to front: the state of the node, with every batch and every 20 ms. */
export const pushView: SeamEvent<ViewPush> = { kind: 2, value: viewCodec };

/** Node to front: whom the cluster shuts out; at the start and whenever it changes. */
export const pushDenied: SeamEvent<readonly DeniedRecord[]> = { kind: 7, value: jsonCodec() };

/** Node to front: when the node's own certificates end; at the start and after a reload. */
export const pushCertificates: SeamEvent<readonly CertificateEnd[]> = {
  kind: 8,
  value: jsonCodec(),
};

/** Node to front: a follower's request to answer; an encoded ForwardRequest and ForwardReply. */
export const serveForwarded: Method<Uint8Array, Uint8Array> = {
  kind: 3,
  request: bytesCodec,
  reply: bytesCodec,
};

/** Node to front: take no new requests, finish the running ones, then answer. */
export const drainFront: Method<undefined, undefined> = {
  kind: 4,
  request: emptyCodec,
  reply: emptyCodec,
};

/** Node to front: read certificates anew; the answer says what changed. */
export const reloadFront: Method<undefined, { readonly report: string }> = {
  kind: 5,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** Node to front: what the front has counted. */
export const sampleFront: Method<undefined, readonly Sample[]> = {
  kind: 6,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** Front to node: replicate a command. */
export const propose: Method<FrontProposal, ProposeReply> = {
  kind: 10,
  request: proposalCodec,
  reply: proposeReplyCodec,
};

/** Front to node: from which index on a read is allowed. */
export const readIndex: Method<{ readonly kind: 'linearizable' | 'strong' }, ReadIndexReply> = {
  kind: 11,
  request: {
    encode: ({ kind }) => Buffer.from([kind === 'strong' ? 1 : 0]),
    decode: (bytes) => ({ kind: bytes[0] === 1 ? 'strong' : 'linearizable' }),
  },
  reply: readIndexReplyCodec,
};

/** Front to node: pass a data request to the leader. */
export const forward: Method<FrontForward, FrontForwarded> = {
  kind: 12,
  request: forwardCodec,
  reply: forwardedCodec,
};

// Each hand-written codec beside the generated one: values to try, and both ways to write and read
// them. Used by the tests that hold the two together; holds no test itself.
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { decodeClusterRecord, encodeClusterRecord } from '#command/cluster-record-codec.ts';
import type { Command } from '#command/command.ts';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import {
  type ConfigurationRecord,
  decodeConfiguration,
  encodeConfiguration,
} from '#command/configuration-codec.ts';
import type { ForwardReply, ForwardRequest } from '#command/forward.ts';
import {
  decodeForwardReply,
  decodeForwardRequest,
  encodeForwardReply,
  encodeForwardRequest,
} from '#command/forward-codec.ts';
import {
  CommandSchema,
  IdempotencySchema,
  InteractiveSchema,
} from '#command/generated/command_pb.js';
import {
  ClusterRecordSchema,
  ConfigurationSchema,
  DeniedSchema,
  GrantSchema,
  MemberSchema,
  TombstoneSchema,
} from '#command/generated/configuration_pb.js';
import { ForwardReplySchema, ForwardRequestSchema } from '#command/generated/forward_pb.js';
import { OutcomeSchema } from '#command/generated/outcome_pb.js';
import { ProposalSchema } from '#command/generated/proposal_pb.js';
import type { ClusterRecord, MemberRecord } from '#command/member.ts';
import type { Outcome } from '#command/outcome.ts';
import { decodeOutcome, encodeOutcome } from '#command/outcome-codec.ts';
import type { Proposal } from '#command/proposal.ts';
import { decodeProposal, encodeProposal } from '#command/proposal-codec.ts';
import {
  blob,
  type CodecPair,
  fieldsOf,
  index,
  pairOf,
  record,
  statementFrom,
  statementMessage,
  table,
  text,
} from './codec-pair.ts';

const key = fc
  .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength: 128 })
  .map((codes) => String.fromCharCode(...codes));

const idempotency = record({
  key,
  digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
  render: fc.nat(255),
});

const idempotencyFrom = (from: {
  readonly key: string;
  readonly digest: Uint8Array;
  readonly render: number;
}): unknown => ({ key: from.key, digest: Buffer.from(from.digest), render: from.render });

const interactive = record({
  id: fc
    .tuple(fc.nat(), fc.uint8Array({ minLength: 16, maxLength: 16 }))
    .map(([time, random]) => `${time.toString(36)}-${Buffer.from(random).toString('hex')}`),
  fence: index,
  timeMs: index,
  seed: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
});

const commandPair = pairOf({
  schema: CommandSchema,
  values: fc
    .tuple(
      table,
      fc.tuple(fc.boolean(), index, fc.boolean(), text, text),
      fc.option(idempotency),
      fc.option(interactive),
    )
    .map(
      ([
        statements,
        [transaction, schemaIndex, changesSchema, user, requestId],
        kept,
        fenced,
      ]): Command => ({
        ...statements,
        transaction,
        schemaIndex,
        changesSchema,
        user,
        requestId,
        ...(kept === null ? {} : { idempotency: kept }),
        ...(fenced === null ? {} : { interactive: fenced }),
      }),
    ),
  encode: encodeCommand,
  decode: decodeCommand,
  toMessage: ({ idempotency: kept, interactive: fenced, ...command }) =>
    create(CommandSchema, {
      ...command,
      ...(kept === undefined ? {} : { idempotency: create(IdempotencySchema, kept) }),
      ...(fenced === undefined
        ? {}
        : {
            interactive: create(InteractiveSchema, {
              ...fenced,
              fence: BigInt(fenced.fence),
              timeMs: BigInt(fenced.timeMs),
            }),
          }),
      format: fenced === undefined ? (kept === undefined ? 1 : 2) : 4,
      schemaIndex: BigInt(command.schemaIndex),
      texts: [...command.texts],
      statements: command.statements.map(statementMessage),
    }),
  fromMessage: ({
    texts,
    statements,
    transaction,
    schemaIndex,
    changesSchema,
    user,
    requestId,
    idempotency: kept,
    interactive: fenced,
  }) => ({
    texts,
    statements: statements.map(statementFrom),
    transaction,
    schemaIndex: Number(schemaIndex),
    changesSchema,
    user,
    requestId,
    ...(kept === undefined ? {} : { idempotency: idempotencyFrom(kept) }),
    ...(fenced === undefined
      ? {}
      : {
          interactive: {
            id: fenced.id,
            fence: Number(fenced.fence),
            timeMs: Number(fenced.timeMs),
            seed: Buffer.from(fenced.seed),
          },
        }),
  }),
});

const proposalPair = pairOf({
  schema: ProposalSchema,
  values: record({
    timeMs: index,
    seed: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
    command: blob,
  }),
  encode: encodeProposal,
  decode: decodeProposal,
  toMessage: (proposal: Proposal) =>
    create(ProposalSchema, { ...proposal, format: 1, timeMs: BigInt(proposal.timeMs) }),
  fromMessage: ({ timeMs, seed, command }) => ({
    timeMs: Number(timeMs),
    seed: Buffer.from(seed),
    command: Buffer.from(command),
  }),
});

const outcomeFields = (outcome: Outcome): object => {
  switch (outcome.kind) {
    case 'results':
      return { ...outcome, kind: 1, microseconds: BigInt(outcome.microseconds) };
    case 'schema-changed':
      return { kind: 2, schemaIndex: BigInt(outcome.schemaIndex) };
    case 'repeated':
      return { ...outcome, kind: 3, index: BigInt(outcome.index) };
    case 'key-reused':
      return { kind: 4 };
    case 'conflict':
      return { kind: 5 };
  }
};

const outcomePair = pairOf({
  schema: OutcomeSchema,
  values: fc.oneof(
    record({
      kind: fc.constant('results' as const),
      json: blob,
      error: text,
      microseconds: index,
    }),
    record({ kind: fc.constant('schema-changed' as const), schemaIndex: index }),
    record({
      kind: fc.constant('repeated' as const),
      index,
      json: blob,
      error: text,
      lost: fc.boolean(),
    }),
    record({ kind: fc.constant('key-reused' as const) }),
    record({ kind: fc.constant('conflict' as const) }),
  ),
  encode: encodeOutcome,
  decode: decodeOutcome,
  toMessage: (outcome: Outcome) => create(OutcomeSchema, outcomeFields(outcome)),
  fromMessage: ({ kind, json, error, microseconds, schemaIndex, index: entry, lost }) => {
    if (kind === 1) {
      const spent = Number(microseconds);
      return { kind: 'results', json: Buffer.from(json), error, microseconds: spent };
    }
    if (kind === 2) return { kind: 'schema-changed', schemaIndex: Number(schemaIndex) };
    if (kind === 4) return { kind: 'key-reused' };
    if (kind === 5) return { kind: 'conflict' };
    return { kind: 'repeated', index: Number(entry), json: Buffer.from(json), error, lost };
  },
});

const kinds = [
  'execute',
  'query',
  'request',
  'load',
  'load-step',
  'transaction-open',
  'transaction-run',
  'transaction-commit',
  'transaction-rollback',
] as const;
const levels = ['none', 'weak', 'linearizable', 'strong'] as const;

const requestPair = pairOf({
  schema: ForwardRequestSchema,
  values: fc
    .tuple(
      table,
      record({
        kind: fc.constantFrom(...kinds),
        level: fc.constantFrom(...levels),
        render: fc.nat(255),
        transaction: fc.boolean(),
        timeoutMs: fc.nat(2 ** 32 - 1),
        linearizableTimeoutMs: fc.nat(2 ** 32 - 1),
        dbTimeoutMs: fc.nat(2 ** 32 - 1),
        withoutHeavy: fc.boolean(),
        idempotencyKey: fc.oneof(fc.constant(''), key),
        user: text,
        requestId: text,
        clientAddress: text,
        transactionId: fc.oneof(
          fc.constant(''),
          interactive.map(({ id }) => id),
        ),
      }),
    )
    .map(([statements, rest]): ForwardRequest => ({ ...rest, ...statements })),
  encode: encodeForwardRequest,
  decode: decodeForwardRequest,
  toMessage: (request) =>
    create(ForwardRequestSchema, {
      ...request,
      format: request.idempotencyKey === '' ? 1 : 2,
      kind: kinds.indexOf(request.kind) + 1,
      level: levels.indexOf(request.level) + 1,
      texts: [...request.texts],
      statements: request.statements.map(statementMessage),
    }),
  fromMessage: (message) => ({
    ...fieldsOf(message),
    kind: kinds[message.kind - 1],
    level: levels[message.level - 1],
    statements: message.statements.map(statementFrom),
  }),
});

const replyPair = pairOf({
  schema: ForwardReplySchema,
  values: record({
    status: fc.integer({ min: 100, max: 599 }),
    json: blob,
    error: text,
    raftIndex: index,
    servedBy: text,
    microseconds: index,
    warning: fc.stringMatching(/^[ -~]{0,40}$/),
  }),
  encode: encodeForwardReply,
  decode: decodeForwardReply,
  toMessage: (reply: ForwardReply) =>
    create(ForwardReplySchema, {
      ...reply,
      raftIndex: BigInt(reply.raftIndex),
      microseconds: BigInt(reply.microseconds),
    }),
  fromMessage: ({ status, json, error, raftIndex, servedBy, microseconds, warning }) => ({
    status,
    json: Buffer.from(json),
    error,
    raftIndex: Number(raftIndex),
    servedBy,
    microseconds: Number(microseconds),
    warning,
  }),
});

const name = text.filter((candidate) => candidate !== '');
const names = fc.array(name, { maxLength: 5 });

const configurationPair = pairOf({
  schema: ConfigurationSchema,
  values: record({
    voters: names,
    votersOutgoing: names,
    learners: names,
    learnersNext: names,
    autoLeave: fc.boolean(),
    context: blob,
  }),
  encode: encodeConfiguration,
  decode: decodeConfiguration,
  toMessage: (record: ConfigurationRecord) =>
    create(ConfigurationSchema, {
      format: 1,
      voters: [...record.voters],
      votersOutgoing: [...record.votersOutgoing],
      learners: [...record.learners],
      learnersNext: [...record.learnersNext],
      autoLeave: record.autoLeave,
      context: record.context,
    }),
  fromMessage: (message) => ({ ...fieldsOf(message), context: Buffer.from(message.context) }),
});

const instant = fc.maxSafeNat();

const member: fc.Arbitrary<MemberRecord> = fc
  .tuple(
    record({ name, storeId: text, keyPin: text, peerAddress: text, apiUrl: text }),
    fc.boolean(),
  )
  .map(([fields, readReplica]) => (readReplica ? { ...fields, readReplica } : fields));

/** Without what a later version may have added: that is kept, not read. */
const known = <Shape extends { later?: unknown }>(fields: Shape): Shape => {
  const copy = { ...fields };
  delete copy.later;
  return copy;
};

/** Empty settings are none. */
const settingsOf = (settings: Uint8Array | undefined): { settings?: Buffer } =>
  settings === undefined || settings.length === 0 ? {} : { settings: Buffer.from(settings) };

const clusterRecordPair = pairOf({
  schema: ClusterRecordSchema,
  values: record<Required<Omit<ClusterRecord, 'later'>>>({
    members: fc.array(member, { maxLength: 4 }),
    settings: blob,
    grants: fc.array(
      record({
        name,
        publicKey: text,
        expiresMs: instant,
        readReplica: fc.boolean(),
        usedMs: instant,
        usedFrom: text,
      }),
      { maxLength: 4 },
    ),
    tombstones: fc.array(record({ name, storeId: text, keyPin: text }), { maxLength: 4 }),
    denied: fc.array(
      fc
        .tuple(record({ issuer: text, deniedMs: instant, reason: text }), name, fc.nat(2))
        .map(([rest, who, kind]) => ({
          ...rest,
          ...(kind === 2 ? { keyPin: who } : {}),
          name: kind === 0 ? who : '',
          serial: kind === 0 ? '' : who,
        })),
      { maxLength: 4 },
    ),
  }).map(({ settings, ...rest }): ClusterRecord => ({ ...rest, ...settingsOf(settings) })),
  encode: encodeClusterRecord,
  decode: (bytes): ClusterRecord => {
    const { members, settings, grants, tombstones, denied } = decodeClusterRecord(bytes);
    return {
      ...settingsOf(settings),
      members: members.map(known),
      grants: grants.map(known),
      tombstones: tombstones.map(known),
      denied: denied.map(known),
    };
  },
  toMessage: ({ members, settings, grants, tombstones, denied }) =>
    create(ClusterRecordSchema, {
      format: 1,
      ...settingsOf(settings),
      members: members.map((fields) => create(MemberSchema, fields)),
      grants: grants.map((fields) =>
        create(GrantSchema, {
          ...fields,
          expiresMs: BigInt(fields.expiresMs),
          usedMs: BigInt(fields.usedMs),
        }),
      ),
      tombstones: tombstones.map((fields) => create(TombstoneSchema, fields)),
      denied: denied.map((fields) =>
        create(DeniedSchema, { ...fields, deniedMs: BigInt(fields.deniedMs) }),
      ),
    }),
  fromMessage: ({ members, settings, grants, tombstones, denied }) => ({
    ...settingsOf(settings),
    members: members.map(({ readReplica, ...fields }) => ({
      ...fieldsOf(fields),
      ...(readReplica ? { readReplica } : {}),
    })),
    grants: grants.map((fields) => ({
      ...fieldsOf(fields),
      expiresMs: Number(fields.expiresMs),
      usedMs: Number(fields.usedMs),
    })),
    tombstones: tombstones.map(fieldsOf),
    denied: denied.map(({ keyPin, ...fields }) => ({
      ...fieldsOf(fields),
      ...(keyPin === '' ? {} : { keyPin }),
      deniedMs: Number(fields.deniedMs),
    })),
  }),
});

/** Every codec of src/command. */
export const codecPairs: readonly CodecPair[] = [
  commandPair,
  proposalPair,
  outcomePair,
  requestPair,
  replyPair,
  configurationPair,
  clusterRecordPair,
];

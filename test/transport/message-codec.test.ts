// Raft messages to bytes and back: what is written can be read, equals what the generated codec
// writes, and nothing that arrives can break an invariant of the core.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  AppendReplySchema,
  AppendSchema,
  HeartbeatReplySchema,
  HeartbeatSchema,
  SnapshotSchema,
  TimeoutNowSchema,
  VoteReplySchema,
  VoteRequestSchema,
} from '#command/generated/peer_pb.js';
import { WireWriter } from '#command/wire.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { messageFrameKind } from '#transport/frame-kind.ts';
import { decodeMessage, encodeMessage } from '#transport/message-codec.ts';

const [n1, n2, n3] = ['n1', 'n2', 'n3'].map(nodeId) as [NodeId, NodeId, NodeId];
const envelope = { from: n1, to: n2, term: term(5) };
const top = Number.MAX_SAFE_INTEGER;

const entry = (index: number, itsTerm: number, kind: Entry['kind'], data: string): Entry => ({
  index: logIndex(index),
  term: term(itsTerm),
  kind,
  data: Buffer.from(data),
});

const samples: readonly Message[] = [
  {
    kind: 'append',
    ...envelope,
    prevIndex: logIndex(9),
    prevTerm: term(4),
    commitIndex: logIndex(8),
    entries: [
      entry(10, 4, 'command', 'INSERT'),
      entry(11, 5, 'barrier', ''),
      entry(12, 5, 'configuration', 'members'),
    ],
  },
  {
    kind: 'append',
    ...envelope,
    prevIndex: logIndex(0),
    prevTerm: term(0),
    commitIndex: logIndex(0),
    entries: [],
  },
  { kind: 'append-reply', ...envelope, accepted: true, matchIndex: logIndex(top) },
  {
    kind: 'append-reply',
    ...envelope,
    accepted: false,
    rejectedIndex: logIndex(9),
    hintIndex: logIndex(7),
    hintTerm: term(3),
    lastIndex: logIndex(8),
  },
  {
    kind: 'vote-request',
    ...envelope,
    preVote: true,
    transfer: false,
    lastIndex: logIndex(8),
    lastTerm: term(5),
  },
  {
    kind: 'vote-request',
    ...envelope,
    preVote: false,
    transfer: true,
    lastIndex: logIndex(0),
    lastTerm: term(0),
  },
  { kind: 'vote-reply', ...envelope, preVote: true, granted: true },
  { kind: 'vote-reply', ...envelope, term: term(0), preVote: false, granted: false },
  { kind: 'heartbeat', ...envelope, commitIndex: logIndex(8), readContext: 77 },
  { kind: 'heartbeat-reply', ...envelope, readContext: 77 },
  { kind: 'heartbeat-reply', ...envelope, readContext: 0, note: Buffer.from('a note') },
  {
    kind: 'snapshot',
    ...envelope,
    index: logIndex(8),
    indexTerm: term(4),
    membership: {
      voters: [n1, n2],
      votersOutgoing: [n1, n3],
      learners: [],
      learnersNext: [n3],
      autoLeave: true,
    },
  },
  { kind: 'timeout-now', ...envelope },
];

const schemas: Readonly<Record<Message['kind'], DescMessage>> = {
  append: AppendSchema,
  'append-reply': AppendReplySchema,
  'vote-request': VoteRequestSchema,
  'vote-reply': VoteReplySchema,
  heartbeat: HeartbeatSchema,
  'heartbeat-reply': HeartbeatReplySchema,
  snapshot: SnapshotSchema,
  'timeout-now': TimeoutNowSchema,
};

const whyBroken = (kind: Message['kind'], payload: Buffer): string => {
  const result = decodeMessage(messageFrameKind[kind], payload);
  return result.kind === 'broken' ? result.why : assert.fail('it was read as a message');
};

test('every kind of message is read as it was written', () => {
  for (const message of samples) {
    const result = decodeMessage(messageFrameKind[message.kind], encodeMessage(message));
    assert.deepEqual(result, { kind: 'ok', value: message });
  }
  const kinds = new Set(samples.map(({ kind }) => kind));
  assert.equal(kinds.size, Object.keys(messageFrameKind).length, 'a sample of every kind');
});

test('the generated codec reads every field of what is written and writes the same bytes', () => {
  for (const message of samples) {
    const bytes = encodeMessage(message);
    const schema = schemas[message.kind];
    const generated = fromBinary(schema, bytes);
    assert.equal(generated.$unknown, undefined, `${message.kind}: no field is unknown to it`);
    assert.deepEqual(Buffer.from(toBinary(schema, generated)), bytes, message.kind);
  }
});

test('FRM-05 unknown frame kinds, entry kinds and missing names are broken', () => {
  const heartbeat = encodeMessage({ kind: 'heartbeat-reply', ...envelope, readContext: 0 });
  assert.equal(decodeMessage(99, heartbeat).kind, 'broken');
  assert.match(whyBroken('heartbeat', Buffer.alloc(0)), /name/);
  const writer = new WireWriter();
  writer.stringField(1, 'n1');
  writer.stringField(2, 'n2');
  writer.varintField(3, 5);
  const start = writer.begin(7);
  writer.varintField(1, 5);
  writer.varintField(2, 3);
  writer.end(start);
  const strange = writer.finish();
  assert.match(whyBroken('append', strange), /entry kind 3/);
});

test('FRM-06 a field of another type, or twice, is broken; an unknown field is passed over', () => {
  const writer = new WireWriter();
  const withField = (write: () => void): Buffer => {
    writer.stringField(1, 'n1');
    writer.stringField(2, 'n2');
    writer.varintField(3, 5);
    write();
    return writer.finish();
  };
  assert.match(
    whyBroken(
      'timeout-now',
      withField(() => writer.varintField(3, 6)),
    ),
    /twice/,
  );
  assert.match(
    whyBroken(
      'timeout-now',
      withField(() => writer.stringField(1, 'n3')),
    ),
    /too often/,
  );
  assert.match(
    whyBroken(
      'heartbeat',
      withField(() => writer.stringField(4, 'x')),
    ),
    /wire type/,
  );
  assert.match(
    whyBroken(
      'vote-reply',
      withField(() => writer.varintField(4, 2)),
    ),
    /no flag/,
  );
  const newer = withField(() => writer.stringField(100, 'from a later version'));
  assert.deepEqual(decodeMessage(messageFrameKind['timeout-now'], newer), {
    kind: 'ok',
    value: { kind: 'timeout-now', ...envelope },
  });
});

test('FRM-07 a message cut anywhere is broken or has fewer fields, and never throws', () => {
  for (const message of samples) {
    const bytes = encodeMessage(message);
    for (let length = 0; length < bytes.length; length++) {
      const result = decodeMessage(messageFrameKind[message.kind], bytes.subarray(0, length));
      if (result.kind === 'ok') assert.ok(encodeMessage(result.value).length <= length);
    }
  }
});

test('FRM-09 numbers beyond 2^53 and logs that cannot be are broken', () => {
  const message = (fields: object, schema: DescMessage = AppendSchema): Buffer =>
    Buffer.from(toBinary(schema, create(schema, { from: 'n1', to: 'n2', term: 5n, ...fields })));
  const cases: readonly (readonly [Message['kind'], Buffer, RegExp])[] = [
    ['append', message({ term: 2n ** 53n }), /2\^53/],
    ['append', message({ term: 2n ** 64n - 1n }), /2\^53/],
    ['append', message({ prevIndex: 2n ** 53n, prevTerm: 5n }), /2\^53/],
    [
      'append',
      message({ prevIndex: 2n ** 53n - 1n, prevTerm: 5n, entries: [{ term: 5n }] }),
      /beyond index/,
    ],
    ['append', message({ term: 0n }), /term 0/],
    ['append', message({ prevIndex: 3n }), /index 3 with term 0/],
    ['append', message({ prevTerm: 3n }), /index 0 with term 3/],
    ['append', message({ prevIndex: 3n, prevTerm: 6n }), /log of term 6/],
    ['append', message({ entries: [{ term: 6n }] }), /entry of term 6/],
    ['append', message({ entries: [{ term: 0n }] }), /term 0 behind/],
    ['append', message({ prevIndex: 3n, prevTerm: 4n, entries: [{ term: 3n }] }), /behind/],
    ['append', message({ entries: [{ term: 4n }, { term: 3n }] }), /behind/],
    ['heartbeat', message({ commitIndex: 2n ** 53n }, HeartbeatSchema), /2\^53/],
    ['vote-request', message({ term: 0n }, VoteRequestSchema), /term 0/],
    ['vote-request', message({ lastIndex: 1n, lastTerm: 6n }, VoteRequestSchema), /log of term 6/],
    ['snapshot', message({ membership: { voters: ['n1'] } }, SnapshotSchema), /image of nothing/],
    ['snapshot', message({ index: 1n, indexTerm: 1n }, SnapshotSchema), /without voters/],
    [
      'snapshot',
      message({ index: 1n, indexTerm: 1n, membership: { voters: ['n2', 'n1'] } }, SnapshotSchema),
      /not sorted/,
    ],
    [
      'snapshot',
      message({ index: 1n, indexTerm: 1n, membership: { voters: ['n1', 'n1'] } }, SnapshotSchema),
      /come twice/,
    ],
  ];
  for (const [kind, bytes, why] of cases) assert.match(whyBroken(kind, bytes), why);
});

test('FRM-06 changed and random bytes never throw, and what is read is whole', () => {
  const kinds = fc.constantFrom(...Object.values(messageFrameKind));
  const changed = fc
    .record({
      message: fc.constantFrom(...samples),
      at: fc.nat(),
      byte: fc.nat(255),
    })
    .map(({ message, at, byte }) => {
      const bytes = encodeMessage(message);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
  const bytes = fc.oneof(
    changed,
    fc.uint8Array({ maxLength: 200 }).map((random) => Buffer.from(random)),
  );
  fc.assert(
    fc.property(kinds, bytes, (kind, payload) => {
      const result = decodeMessage(kind, payload);
      if (result.kind === 'broken') return;
      // What was accepted is a message: it survives the way there and back.
      const again = decodeMessage(kind, encodeMessage(result.value));
      assert.deepEqual(again, result);
    }),
    { numRuns: 5000 },
  );
});

// What is written is what is read, for each message by hand-picked values at the edges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeClusterRecord, encodeClusterRecord } from '#command/cluster-record-codec.ts';
import type { Command } from '#command/command.ts';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import { decodeConfiguration, encodeConfiguration } from '#command/configuration-codec.ts';
import type { ForwardRequest } from '#command/forward.ts';
import {
  decodeForwardReply,
  decodeForwardRequest,
  encodeForwardReply,
  encodeForwardRequest,
} from '#command/forward-codec.ts';
import type { Outcome } from '#command/outcome.ts';
import { decodeOutcome, encodeOutcome } from '#command/outcome-codec.ts';
import { decodeProposal, encodeProposal } from '#command/proposal-codec.ts';
import type { Value } from '#command/value.ts';

const values: readonly Value[] = [
  null,
  true,
  false,
  0n,
  -1n,
  63n,
  64n,
  1023n,
  1024n,
  2n ** 48n - 1n,
  -(2n ** 48n),
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  0,
  -0,
  0.1,
  Number.POSITIVE_INFINITY,
  Number.NaN,
  Number.MIN_VALUE,
  '',
  'a',
  'ü',
  '\ufffd',
  '\ufeff\u0000',
  '😀'.repeat(40),
  'x'.repeat(127),
  'x'.repeat(128),
  'x'.repeat(20_000),
  Buffer.alloc(0),
  Buffer.alloc(128, 0xff),
];

const command: Command = {
  texts: ['INSERT INTO t VALUES (?)', '', 'SELECT :a'],
  statements: [
    { text: 0, positional: values, named: [] },
    { text: 1, positional: [], named: [] },
    {
      text: 2,
      positional: [],
      named: [
        ['a', 1n],
        ['__proto__', null],
        ['', ''],
      ],
    },
  ],
  transaction: true,
  schemaIndex: Number.MAX_SAFE_INTEGER,
  changesSchema: true,
  user: 'ada',
  requestId: 'r-1',
};

test('a command with every kind of parameter at its edges is read as it was written', () => {
  assert.deepEqual(decodeCommand(encodeCommand(command)), command);
});

test('a command with a key has format 2, one without has format 1', () => {
  const idempotency = { key: 'k-1', digest: Buffer.alloc(32, 7), render: 17 };
  const keyed = encodeCommand({ ...command, idempotency });
  assert.deepEqual(decodeCommand(keyed), { ...command, idempotency });
  assert.equal(keyed.subarray(0, 2).toString('hex'), '0802');
  assert.equal(encodeCommand(command).subarray(0, 2).toString('hex'), '0801');
});

test('a proposal is read as it was written, its command to the byte', () => {
  const proposal = {
    timeMs: Number.MAX_SAFE_INTEGER,
    seed: Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
    command: encodeCommand(command),
  };
  assert.deepEqual(decodeProposal(encodeProposal(proposal)), proposal);
  const empty = { timeMs: 0, seed: Buffer.alloc(16), command: Buffer.alloc(0) };
  assert.deepEqual(Buffer.from(decodeProposal(encodeProposal(empty)).command), empty.command);
});

test('an outcome of each kind is read as it was written', () => {
  const json = Buffer.from('{"rows_affected":1}');
  const outcomes: readonly Outcome[] = [
    { kind: 'results', json, error: '', microseconds: 12 },
    { kind: 'results', json, error: 'cannot commit', microseconds: 0 },
    { kind: 'schema-changed', schemaIndex: 0 },
    { kind: 'schema-changed', schemaIndex: 2 ** 40 },
    { kind: 'repeated', index: 7, json, error: '', lost: false },
    { kind: 'repeated', index: 2 ** 40, json: Buffer.alloc(0), error: 'e', lost: true },
    { kind: 'key-reused' },
    { kind: 'conflict' },
  ];
  for (const outcome of outcomes) assert.deepEqual(decodeOutcome(encodeOutcome(outcome)), outcome);
});

test('a forwarded request of each kind and level is read as it was written', () => {
  for (const kind of ['execute', 'query', 'request', 'transaction-run'] as const) {
    for (const level of ['none', 'weak', 'linearizable', 'strong'] as const) {
      const request: ForwardRequest = {
        kind,
        level,
        user: 'ada',
        requestId: 'r-2',
        clientAddress: '192.0.2.1:5000',
        render: 255,
        transaction: level === 'strong',
        texts: command.texts,
        statements: command.statements,
        timeoutMs: 30_000,
        linearizableTimeoutMs: 10_000,
        dbTimeoutMs: 2 ** 32 - 1,
        withoutHeavy: kind === 'execute',
        idempotencyKey: kind === 'query' ? '' : 'k-1',
        transactionId: kind === 'transaction-run' ? `a1-${'0f'.repeat(16)}` : '',
      };
      assert.deepEqual(decodeForwardRequest(encodeForwardRequest(request)), request);
    }
  }
});

test('a forwarded reply is read as it was written', () => {
  const reply = {
    status: 200,
    json: Buffer.from('[]'),
    error: 'e',
    raftIndex: 2 ** 50,
    servedBy: 'n1.example:4002',
    microseconds: 7,
    warning: 'limit_unordered: w',
  };
  assert.deepEqual(decodeForwardReply(encodeForwardReply(reply)), reply);
});

test('a joint configuration with its members is read as it was written', () => {
  const members = [
    {
      name: 'n1',
      storeId: '0'.repeat(32),
      keyPin: 'a'.repeat(64),
      peerAddress: 'n1.example:4002',
      apiUrl: 'https://n1.example:4001',
    },
    { name: 'n2', storeId: '', keyPin: '', peerAddress: '', apiUrl: '', readReplica: true },
  ];
  const cluster = {
    members,
    grants: [
      {
        name: 'n4',
        publicKey: 'b'.repeat(64),
        expiresMs: 1_800_000_000_000,
        readReplica: true,
        usedMs: 1_799_999_999_999,
        usedFrom: '192.0.2.7:40000',
      },
    ],
    tombstones: [{ name: 'n3', storeId: '1'.repeat(32), keyPin: 'c'.repeat(64) }],
    denied: [
      { name: 'n2', serial: '', issuer: '', deniedMs: 1_800_000_000_000, reason: 'stolen' },
      { name: '', serial: 'A1', issuer: 'd'.repeat(40), deniedMs: 1_800_000_000_001, reason: '' },
      {
        ...{ name: '', serial: 'A2', issuer: '', deniedMs: 1_800_000_000_002, reason: '' },
        keyPin: 'e'.repeat(64),
      },
    ],
  };
  const record = {
    voters: ['n1', 'n2'],
    votersOutgoing: ['n1'],
    learners: ['n3'],
    learnersNext: ['n1'],
    autoLeave: true,
    context: encodeClusterRecord(cluster),
  };
  const read = decodeConfiguration(encodeConfiguration(record));
  assert.deepEqual(read, record);
  assert.deepEqual(decodeClusterRecord(read.context), cluster);
});

test('fields of a later version in a cluster record survive being read and written', () => {
  // Field 100 of the record, of its member, grant, tombstone and denial; each is a text.
  const later = 'a20603616263';
  const bytes = Buffer.from(
    `0801 1209 0a016e ${later} 2209 0a016d ${later} 2a09 0a016f ${later} 3209 0a0170 ${later} ${later}`.replaceAll(
      ' ',
      '',
    ),
    'hex',
  );
  const record = decodeClusterRecord(bytes);
  assert.equal(record.members[0]?.name, 'n');
  assert.deepEqual(encodeClusterRecord(record), bytes);
});

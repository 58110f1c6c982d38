// What the codecs refuse, by hand: every bound on both sides, and the shapes of hostile bytes that
// random damage seldom makes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeClusterRecord, encodeClusterRecord } from '#command/cluster-record-codec.ts';
import type { Command } from '#command/command.ts';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import { decodeConfiguration, encodeConfiguration } from '#command/configuration-codec.ts';
import {
  decodeForwardReply,
  decodeForwardRequest,
  encodeForwardReply,
  encodeForwardRequest,
} from '#command/forward-codec.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import { decodeProposal, encodeProposal } from '#command/proposal-codec.ts';
import type { Value } from '#command/value.ts';
import { WireWriter } from '#command/wire.ts';
import { InvariantError } from '#invariant.ts';
import { parametersMax, statementBytesMax, statementsMax } from '#limits.ts';

const badRequest = { name: 'CodedError', code: 'bad_request' };

const commandOf = (parts: Partial<Command>): Command => ({
  texts: ['SELECT 1'],
  statements: [],
  transaction: false,
  schemaIndex: 0,
  changesSchema: false,
  user: '',
  requestId: '',
  ...parts,
});

const withValue = (value: Value): Command =>
  commandOf({ statements: [{ text: 0, positional: [value], named: [] }] });

/** Bytes of a message from a hexadecimal sketch. */
const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** A command of format 1 with one text, then `rest`. */
const commandWith = (rest: string): Buffer => bytesOf(`0801 3a00 ${rest}`);

test('places that cannot be those of the values are refused, written and read', () => {
  const named = [['a', 1n]] as const;
  const statement = (places: readonly number[], positional: readonly bigint[] = [2n]) =>
    commandOf({ statements: [{ text: 0, positional, named, places }] });
  assert.deepEqual(decodeCommand(encodeCommand(statement([2]))).statements[0]?.places, [2]);
  for (const places of [[], [1], [3], [0], [2, 3]]) {
    assert.throws(() => encodeCommand(statement(places)), /places? of|at place/, String(places));
  }
  assert.throws(() => encodeCommand(statement([2, 2], [1n, 2n])), /at place 2/);
  // Written by somebody else: the last byte of this command is the place.
  const bytes = encodeCommand(statement([2]));
  const at = bytes.lastIndexOf(Buffer.from([0x20, 2]));
  bytes[at + 1] = 9;
  assert.throws(() => decodeCommand(bytes), /places of/);
});

test('statements up to the bound are written and read, one more is refused by both', () => {
  const statement = { text: 0, positional: [], named: [] };
  const full = commandOf({ statements: Array.from({ length: statementsMax }, () => statement) });
  const bytes = encodeCommand(full);
  assert.equal(decodeCommand(bytes).statements.length, statementsMax);
  const beyond = { ...full, statements: [...full.statements, statement] };
  assert.throws(() => encodeCommand(beyond), badRequest);
  assert.throws(() => decodeCommand(Buffer.concat([bytes, bytesOf('4200')])), badRequest);
});

test('texts up to the bound are written and read, one more is refused by both', () => {
  const full = commandOf({ texts: Array.from({ length: statementsMax }, () => '') });
  const bytes = encodeCommand(full);
  assert.equal(decodeCommand(bytes).texts.length, statementsMax);
  assert.throws(() => encodeCommand({ ...full, texts: [...full.texts, ''] }), badRequest);
  assert.throws(() => decodeCommand(Buffer.concat([bytes, bytesOf('3a00')])), badRequest);
});

test('parameters up to the bound are written and read, one more is refused by both', () => {
  const nulls = Array.from({ length: parametersMax - 1 }, () => null);
  const named = [['a', null]] as const;
  const bytes = encodeCommand(commandOf({ statements: [{ text: 0, positional: nulls, named }] }));
  assert.equal(decodeCommand(bytes).statements[0]?.positional.length, parametersMax - 1);
  const beyond = { text: 0, positional: [...nulls, null], named };
  assert.throws(() => encodeCommand(commandOf({ statements: [beyond] })), badRequest);

  const writer = new WireWriter();
  writer.varintField(1, 1);
  writer.stringField(7, 'SELECT 1');
  const start = writer.begin(8);
  for (let count = 0; count <= parametersMax; count++) {
    writer.bytesField(2, Uint8Array.of(0x30, 0));
  }
  writer.end(start);
  assert.throws(() => decodeCommand(writer.finish()), badRequest);
});

test('a text of the largest size in bytes is written and read, a larger one is refused by both', () => {
  const largest = 'ü'.repeat(statementBytesMax / 2);
  const bytes = encodeCommand(commandOf({ texts: [largest] }));
  assert.equal(decodeCommand(bytes).texts[0], largest);
  assert.throws(() => encodeCommand(commandOf({ texts: [`${largest}x`] })), badRequest);
  const writer = new WireWriter();
  writer.varintField(1, 1);
  writer.stringField(7, `${largest}x`);
  assert.throws(() => decodeCommand(writer.finish()), badRequest);
});

test('a statement that names a text outside the table is refused by both', () => {
  for (const text of [1, -1, 0.5, Number.NaN]) {
    const command = commandOf({ statements: [{ text, positional: [], named: [] }] });
    assert.throws(() => encodeCommand(command), badRequest, String(text));
  }
  assert.throws(() => decodeCommand(commandWith('4202 0801')), badRequest);
  assert.throws(() => decodeCommand(bytesOf('0801 4200')), badRequest, 'no texts at all');
});

test('an integer beyond 64 bits is refused, not wrapped around', () => {
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 200n]) {
    assert.throws(() => encodeCommand(withValue(value)), badRequest);
  }
});

test('half of a surrogate pair is refused wherever text goes, never stored as something else', () => {
  for (const text of ['\ud800', 'a\udc00', `${'x'.repeat(300)}\ud83d`]) {
    assert.throws(() => encodeCommand(withValue(text)), badRequest);
    assert.throws(() => encodeCommand(commandOf({ texts: [text] })), badRequest);
    assert.throws(() => encodeCommand(commandOf({ user: text })), badRequest);
  }
});

test('a command that was refused half written leaves nothing in the next one', () => {
  const good = withValue('good');
  const bytes = encodeCommand(good);
  assert.throws(() => encodeCommand(withValue('\ud800')), badRequest);
  assert.deepEqual(encodeCommand(good), bytes);
});

test('a large command keeps its bytes when the next one is written', () => {
  const large = encodeCommand(withValue(Buffer.alloc(1024 * 1024, 1)));
  const before = Buffer.from(large);
  encodeCommand(withValue(Buffer.alloc(1024 * 1024, 2)));
  assert.deepEqual(large, before);
});

test('FRM-06 a message of no format or of a later one is refused', () => {
  const decoders = [
    decodeCommand,
    decodeProposal,
    decodeForwardRequest,
    decodeConfiguration,
    decodeClusterRecord,
  ];
  for (const decode of decoders) {
    for (const hex of ['', '0800', '0802', '08ffffffff0f']) {
      assert.throws(() => decode(bytesOf(hex)), { ...badRequest, message: /format/ }, hex);
    }
  }
});

test('FRM-05 FRM-06 hostile bytes inside a command are refused', () => {
  for (const [why, rest] of [
    ['field number 0', '00'],
    ['an overlong varint', `20${'80'.repeat(10)}00`],
    ['a schema index beyond 2^53', '20ffffffffffffffff7f'],
    ['a group', '1b1c'],
    ['an unknown group', 'c33e c43e'],
    ['wire type 6', 'c63e00'],
    ['wire type 7', 'c73e00'],
    ['a known field of another wire type', '2201ff'],
    ['a text that is not UTF-8', '3a01ff'],
    ['a text in overlong UTF-8', '3a02c080'],
    ['a text with an encoded surrogate', '3a03eda080'],
    ['a length beyond the end', '3a05616263'],
    ['a length of 2^53', '3affffffffffffff0f'],
    ['a parameter of no kind', '42021200'],
    ['a parameter of a later kind', '4205 1203 c23e00'],
    ['a parameter longer than its statement', '4203 1205 080200'],
    ['an integer of more than ten bytes', `420e 120c 08${'ff'.repeat(10)}01`],
    ['an integer beyond 64 bits', `420d 120b 08${'ff'.repeat(9)}02`],
    ['a named parameter without a value', '4205 1a03 0a0161'],
  ] as const) {
    assert.throws(() => decodeCommand(commandWith(rest)), badRequest, why);
  }
  assert.equal(decodeCommand(commandWith('4200')).statements.length, 1);
});

test('of a field that comes twice the last counts', () => {
  const command = decodeCommand(commandWith('2001 2002 2a0161 2a0162 4207 1205 0802 1a0178'));
  assert.equal(command.schemaIndex, 2);
  assert.equal(command.user, 'b');
  assert.deepEqual(command.statements[0]?.positional, ['x']);
  // A parameter's message that comes twice is merged: the second, empty one takes nothing away.
  const merged = decodeCommand(commandWith('420b 1a09 0a0161 12020802 1200'));
  assert.deepEqual(merged.statements[0]?.named, [['a', 1n]]);
});

test('a seed of another length than 16 bytes is refused when read and cannot be written', () => {
  assert.throws(() => decodeProposal(bytesOf(`0801 1a0f ${'00'.repeat(15)}`)), badRequest);
  const proposal = { timeMs: 1, seed: Buffer.alloc(17), command: Buffer.alloc(0) };
  assert.throws(() => encodeProposal(proposal), InvariantError);
});

test('a time that is not a whole number from 0 cannot be written', () => {
  for (const timeMs of [-1, 0.5, Number.NaN, 2 ** 53]) {
    const proposal = { timeMs, seed: Buffer.alloc(16), command: Buffer.alloc(0) };
    assert.throws(() => encodeProposal(proposal), InvariantError);
  }
});

test('FRM-05 an outcome, request or level of unknown kind is refused', () => {
  for (const hex of ['', '0800', '0806'])
    assert.throws(() => decodeOutcome(bytesOf(hex)), badRequest);
  for (const hex of ['0801', '0801 1001', '0801 1801', '0801 100a 1801', '0801 1001 1805']) {
    assert.throws(() => decodeForwardRequest(bytesOf(hex)), badRequest, hex);
  }
  for (const hex of ['0801 1001 1801 208002', '0801 1001 1801 308080808010']) {
    assert.throws(() => decodeForwardRequest(bytesOf(hex)), badRequest, hex);
  }
  assert.equal(decodeForwardRequest(bytesOf('0801 1001 1801')).kind, 'execute');
});

test('a reply with a status outside 100 to 599 is refused when read and cannot be written', () => {
  const reply = {
    status: 200,
    json: Buffer.alloc(0),
    error: '',
    raftIndex: 0,
    servedBy: '',
    microseconds: 0,
    warning: '',
  };
  for (const hex of ['', '0863', '08d804']) {
    assert.throws(() => decodeForwardReply(bytesOf(hex)), badRequest, hex);
  }
  for (const status of [99, 600]) {
    assert.throws(() => encodeForwardReply({ ...reply, status }), InvariantError);
  }
  for (const warning of ['a\r\nSet-Cookie: b', 'é', 'x'.repeat(501)]) {
    const bytes = encodeForwardReply({ ...reply, status: 200, warning });
    assert.throws(() => decodeForwardReply(bytes), badRequest, warning);
  }
});

test('a forwarded request is held to the same bounds as a command', () => {
  const request = {
    kind: 'execute',
    level: 'weak',
    user: '',
    requestId: '',
    clientAddress: '',
    render: 0,
    transaction: false,
    timeoutMs: 0,
    linearizableTimeoutMs: 0,
    dbTimeoutMs: 0,
    withoutHeavy: false,
    idempotencyKey: '',
    transactionId: '',
    texts: ['SELECT 1'],
    statements: [{ text: 1, positional: [], named: [] }],
  } as const;
  assert.throws(() => encodeForwardRequest(request), badRequest);
  assert.throws(() => decodeForwardRequest(bytesOf('0801 1001 1801 5a00')), badRequest);
  const named = { ...request, statements: [], transactionId: 'no id' };
  assert.throws(() => encodeForwardRequest(named), badRequest);
  assert.throws(() => decodeForwardRequest(bytesOf('0801 1001 1801 820101 78')), badRequest);
});

test('a member without a name, or too many of them, is refused by both', () => {
  const record = {
    voters: ['n1'],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
    context: Buffer.alloc(0),
  };
  const names = Array.from({ length: 257 }, (_, number) => `n${number}`);
  for (const list of [[''], names]) {
    for (const key of ['voters', 'votersOutgoing', 'learners', 'learnersNext']) {
      assert.throws(() => encodeConfiguration({ ...record, [key]: list }), badRequest, key);
    }
  }
  for (const field of ['12', '1a', '22', '2a']) {
    assert.throws(() => decodeConfiguration(bytesOf(`0801 ${field}00`)), badRequest);
    const many = `0801 ${`${field}0161`.repeat(257)}`;
    assert.throws(() => decodeConfiguration(bytesOf(many)), badRequest);
  }
  const member = { name: '', storeId: 's', keyPin: 'k', peerAddress: 'p', apiUrl: 'u' };
  const none = { members: [], grants: [], tombstones: [], denied: [] };
  assert.throws(() => encodeClusterRecord({ ...none, members: [member] }), badRequest);
  const { name, storeId, keyPin } = member;
  assert.throws(
    () => encodeClusterRecord({ ...none, tombstones: [{ name, storeId, keyPin }] }),
    badRequest,
  );
  const denial = { issuer: '', deniedMs: 1, reason: '' };
  for (const what of [
    { name: '', serial: '' },
    { name: 'n1', serial: 'A1' },
  ]) {
    assert.throws(
      () => encodeClusterRecord({ ...none, denied: [{ ...denial, ...what }] }),
      badRequest,
    );
  }
  for (const [field, max] of [
    ['12', 256],
    ['22', 64],
    ['2a', 256],
    ['32', 512],
  ] as const) {
    const item = `${field}030a0161`;
    assert.throws(() => decodeClusterRecord(bytesOf(`0801 ${field}00`)), badRequest);
    assert.doesNotThrow(() => decodeClusterRecord(bytesOf(`0801 ${item.repeat(max)}`)));
    assert.throws(() => decodeClusterRecord(bytesOf(`0801 ${item.repeat(max + 1)}`)), badRequest);
  }
});

test('a key in format 1, format 2 without a key, and what cannot be a key are refused', () => {
  const digest = '00'.repeat(32);
  const keyed = `4a25 0a016b 1220${digest}`;
  assert.doesNotThrow(() => decodeCommand(bytesOf(`0802 ${keyed}`)));
  assert.throws(() => decodeCommand(bytesOf(`0801 ${keyed}`)), badRequest);
  assert.throws(() => decodeCommand(bytesOf('0802')), badRequest);
  assert.throws(() => decodeCommand(bytesOf(`0803 ${keyed}`)), badRequest);
  assert.throws(() => decodeCommand(bytesOf(`0802 4a25 0a0120 1220${digest}`)), badRequest);
  assert.throws(() => decodeCommand(bytesOf('0802 4a03 0a016b')), badRequest);
  assert.throws(() => decodeForwardRequest(bytesOf('0801 1001 1801 62016b')), badRequest);
  assert.throws(() => decodeForwardRequest(bytesOf('0802 1001 1801')), badRequest);
  assert.throws(() => decodeForwardRequest(bytesOf('0802 1001 1801 620120')), badRequest);
  assert.doesNotThrow(() => decodeForwardRequest(bytesOf('0802 1001 1801 62016b')));
});

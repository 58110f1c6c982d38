// The bytes of the log's records: those of log.proto, back again, and strict about all others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CodedError } from '#errors.ts';
import { decodeBatch, encodeBatch, type LogRecord } from '#log/log-record.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import { entryAt, hardStateOf } from './log-fixtures.ts';

const number = fc.oneof(fc.nat(300), fc.maxSafeNat());

const record: fc.Arbitrary<LogRecord> = fc.oneof(
  fc
    .tuple(
      number,
      number,
      fc.constantFrom('command' as const, 'configuration' as const, 'barrier' as const),
      fc.uint8Array({ maxLength: 300 }),
    )
    .map(([index, entryTerm, kind, data]) => ({
      kind: 'entry' as const,
      entry: entryAt(index, entryTerm, data, kind),
    })),
  fc
    .tuple(number, fc.option(fc.string({ minLength: 1 })), number)
    .map(([stateTerm, votedFor, commitIndex]) => ({
      kind: 'hard-state' as const,
      hardState: {
        term: term(stateTerm),
        votedFor: votedFor === null ? undefined : nodeId(votedFor),
        commitIndex: logIndex(commitIndex),
      },
    })),
  fc.tuple(number, number).map(([from, previousTerm]) => ({
    kind: 'truncate' as const,
    from: logIndex(from),
    previousTerm: term(previousTerm),
  })),
  fc.tuple(number, number).map(([index, snapshotTerm]) => ({
    kind: 'snapshot' as const,
    index: logIndex(index),
    term: term(snapshotTerm),
  })),
);

const plainRecord = (item: LogRecord): unknown =>
  item.kind === 'entry'
    ? { ...item, entry: { ...item.entry, data: Buffer.from(item.entry.data).toString('hex') } }
    : item;

test('records survive the way through their bytes', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (records) => {
      const again = decodeBatch(encodeBatch(records));
      assert.deepEqual(again.map(plainRecord), records.map(plainRecord));
    }),
  );
});

test('the bytes are those that log.proto describes', () => {
  const batch = encodeBatch([
    { kind: 'entry', entry: entryAt(300, 2, 'hi', 'configuration') },
    { kind: 'hard-state', hardState: hardStateOf(2, 1, 'n1') },
    { kind: 'truncate', from: logIndex(7), previousTerm: term(1) },
    { kind: 'snapshot', index: logIndex(9), term: term(0) },
  ]);
  const expected = [
    '0a0d 0a0b 08ac02 1002 1802 2202 6869',
    '0a0a 1208 0802 1202 6e31 1801',
    '0a06 1a04 0807 1001',
    '0a04 2202 0809',
  ];
  assert.equal(batch.toString('hex'), expected.join('').replaceAll(' ', ''));
});

test('a record of an unknown kind is refused, an unknown field inside a record is skipped', () => {
  const refused = (hex: string): void => {
    assert.throws(() => decodeBatch(Buffer.from(hex, 'hex')), CodedError, hex);
  };
  refused('0a042a020809');
  refused('0a082202080922020809');
  refused('0a0a0a08080110011804220168');
  refused('1204220208090a');
  const [snapshot] = decodeBatch(Buffer.from('0a06220408097805', 'hex'));
  assert.deepEqual(snapshot, { kind: 'snapshot', index: 9, term: 0 });
});

test('bytes that are no batch are refused and never more than that', () => {
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      fc.nat(255),
      (records, at, byte) => {
        const bytes = encodeBatch(records);
        bytes[at % bytes.length] = byte;
        try {
          decodeBatch(bytes);
        } catch (error) {
          assert.ok(error instanceof CodedError, String(error));
        }
      },
    ),
  );
});

test('an entry of an unknown kind is refused, numbers that were left out are zero', () => {
  const batchWith = (field: number, ...body: readonly number[]): Buffer =>
    Buffer.from([10, body.length + 2, field * 8 + 2, body.length, ...body]);
  for (const body of [[], [24, 0], [24, 4]]) {
    assert.throws(() => decodeBatch(batchWith(1, ...body)), /an entry of an unknown kind/);
  }
  assert.deepEqual(decodeBatch(Buffer.concat([batchWith(3), batchWith(4)])), [
    { kind: 'truncate', from: 0, previousTerm: 0 },
    { kind: 'snapshot', index: 0, term: 0 },
  ]);
});

// Interactive transactions in the database: a command with a fence is carried out right behind it
// or nowhere, once, whatever the batches; a run shows what the commit will do and leaves no trace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCommand } from '#command/command-codec.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import type { Trial, TrialResult, TrialStep } from '#db/try-transaction.ts';
import type { CommittedEntry, Writer } from '#db/writer.ts';
import { keptMs } from '#limits.ts';
import { contentIn } from './invariance/database-content.ts';
import {
  commandEntry,
  entryTimeMs,
  executed,
  queried,
  readerIn,
  seedOf,
  tableOf,
  temporaryFolder,
  writerIn,
} from './support.ts';

const insert = (index: number, value: number, options = {}): CommittedEntry =>
  commandEntry(index, [['INSERT INTO t(v) VALUES(?)', BigInt(value)]], {
    transaction: true,
    schemaIndex: 1,
    ...options,
  });

const create = commandEntry(1, ['CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)']);

const kindsOf = (writer: Writer, entries: readonly CommittedEntry[]): readonly string[] =>
  writer.apply(entries).outcomes.map(({ outcome }) => {
    const told = decodeOutcome(outcome);
    return told.kind === 'repeated' ? `repeated ${told.index} ${told.error}` : told.kind;
  });

/** Commits in the right place and elsewhere, sent again, asked for, by others. */
const log: readonly CommittedEntry[] = [
  create,
  insert(2, 1),
  insert(3, 2, { interactive: { number: 1, fence: 2 } }),
  // An entry is between it and its fence; it stands before its fence; it has none before it.
  insert(4, 3, { interactive: { number: 2, fence: 2 } }),
  insert(5, 4, { interactive: { number: 3, fence: 5 } }),
  insert(6, 5, { interactive: { number: 4, fence: 0 } }),
  insert(7, 6, { interactive: { number: 1, fence: 6 } }),
  commandEntry(8, [], { transaction: true, interactive: { number: 1, fence: 0 } }),
  commandEntry(9, [], { transaction: true, interactive: { number: 2, fence: 8 } }),
  commandEntry(10, [], { transaction: true, user: 'eve', interactive: { number: 1, fence: 0 } }),
  insert(11, 7, { interactive: { number: 5, fence: 10 }, key: 'k' }),
  insert(12, 8, { interactive: { number: 6, fence: 11 }, key: 'k' }),
  // It was judged by another schema, and a statement of the next one fails.
  insert(13, 9, { interactive: { number: 7, fence: 12 }, schemaIndex: 0 }),
  insert(14, 1, { interactive: { number: 8, fence: 13 } }),
];

const expected = [
  'results',
  'results',
  'results',
  'conflict',
  'conflict',
  'conflict',
  'repeated 3 ',
  'repeated 3 ',
  'conflict',
  'conflict',
  'results',
  'key-reused',
  'schema-changed',
  'conflict',
];

test('a command with a fence is carried out right behind it, once, and nowhere else, in any batches and after restarts', (t) => {
  const folders = [1, 3, 5, log.length].map((size) => {
    const folder = temporaryFolder(t);
    const found: string[] = [];
    for (let from = 0; from < log.length; from += size) {
      const writer = writerIn(t, folder);
      found.push(...kindsOf(writer, log.slice(from, from + size)));
      writer.close();
    }
    assert.deepEqual(found, expected, `batches of ${size}`);
    return folder;
  });
  const contents = new Set(folders.map(contentIn));
  assert.equal(contents.size, 1);
  const reader = readerIn(t, folders[0] ?? '');
  assert.match(queried(reader, ['SELECT v FROM t']), /"values":\[\[1\],\[2\],\[7\]\]/);
});

test('a conflict is part of what replicas compare', (t) => {
  const chains = [2, 1].map((fence) => {
    const writer = writerIn(t, temporaryFolder(t));
    const fenced = commandEntry(3, ['SELECT 1'], {
      transaction: true,
      schemaIndex: 1,
      interactive: { number: 1, fence },
    });
    return Buffer.from(writer.apply([create, insert(2, 1), fenced]).outcomeChain).toString('hex');
  });
  assert.notEqual(chains[0], chains[1]);
});

test('what was committed is forgotten an hour later, two with each that comes', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  writer.apply([create]);
  const at = (index: number, number: number, timeMs: number): string =>
    kindsOf(writer, [
      insert(index, index, { interactive: { number, fence: index - 1 }, timeMs }),
    ])[0] ?? '';
  for (const index of [2, 3, 4]) assert.equal(at(index, index, entryTimeMs), 'results');
  const later = entryTimeMs + keptMs + 1;
  assert.equal(at(5, 2, later), 'repeated 2 ');
  assert.equal(at(6, 9, later), 'results');
  assert.equal(at(7, 3, later), 'results');
  assert.equal(at(8, 4, later), 'results');
});

const notSeen = new Uint8Array(0);

/** A transaction of one statement a step; `seen` are the digests of the first ones. */
const trialOf = (
  writer: Writer,
  texts: readonly string[],
  seen: readonly Uint8Array[] = [],
  render = 17,
): Trial => {
  const command = encodeCommand({
    ...tableOf(texts),
    ...{ transaction: true, changesSchema: false, user: 'ada', requestId: '' },
    schemaIndex: writer.state.schemaIndex,
  });
  const steps = texts.map(
    (_text, at): TrialStep => ({
      statements: 1,
      render,
      digest: seen[at] ?? notSeen,
    }),
  );
  return { data: encodeProposal({ timeMs: entryTimeMs, seed: seedOf(7), command }), steps };
};

type Ran = Extract<TrialResult, { kind: 'ran' }>;

const ran = (result: TrialResult): Ran => {
  assert.equal(result.kind, 'ran');
  return result;
};

test('a run shows what the statements did, leaves no trace, and shows the same again', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)',
    'CREATE VIRTUAL TABLE ft USING fts5(a)',
  ]);
  const before = contentIn(folder);
  const texts = [
    "INSERT INTO t(v) VALUES(random()) RETURNING v, strftime('%f', 'now'), last_insert_rowid()",
    "INSERT INTO ft VALUES('some words')",
    "SELECT count(*), changes(), last_insert_rowid() FROM ft WHERE ft MATCH 'words'",
  ];
  const digests: Uint8Array[] = [];
  const shown = texts.map((_text, at) => {
    const trial = trialOf(writer, texts.slice(0, at + 1), digests);
    const { json, digest, failed } = ran(writer.tryTransaction(trial));
    assert.equal(failed, false);
    digests.push(digest);
    return json.toString();
  });
  assert.match(shown[2] ?? '', /"values":\[\[1,1,1\]\]/);
  assert.equal(
    ran(writer.tryTransaction(trialOf(writer, texts, digests))).json.toString(),
    shown[2],
  );
  assert.equal(contentIn(folder), before);
  assert.equal(writer.state.appliedIndex, 1);
});

test('a run notices whatever would be seen otherwise: rows, counts, ids, errors, the schema', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)',
    'INSERT INTO t VALUES(1, 1)',
  ]);
  const texts = [
    'SELECT count(*) FROM t',
    'UPDATE t SET v = v WHERE v > 50',
    'INSERT INTO t(v) VALUES(99)',
    'INSERT INTO t(id, v) VALUES(7, 99)',
    'SELECT * FROM t WHERE v = 98',
  ];
  const seen = texts.map((text) => ran(writer.tryTransaction(trialOf(writer, [text]))).digest);
  const kinds = (): readonly string[] =>
    texts.map((text, at) => {
      const digest = seen[at] ?? notSeen;
      const again = trialOf(writer, [text, 'SELECT 1'], [digest]);
      const last = writer.tryTransaction(trialOf(writer, [text], [digest])).kind;
      assert.equal(writer.tryTransaction(again).kind, last);
      return last;
    });
  assert.deepEqual(kinds(), ['ran', 'ran', 'ran', 'ran', 'ran']);
  executed(writer, ['INSERT INTO t VALUES(10, 99)']);
  assert.deepEqual(kinds(), ['differs', 'differs', 'differs', 'differs', 'ran']);
  executed(writer, ['DELETE FROM t WHERE id = 10']);
  assert.deepEqual(kinds(), ['ran', 'ran', 'ran', 'ran', 'ran']);
  const trial = trialOf(writer, texts.slice(0, 1));
  executed(writer, ['CREATE TABLE u(a)']);
  assert.deepEqual(writer.tryTransaction(trial), {
    kind: 'schema-changed',
    schemaIndex: writer.state.schemaIndex,
  });
});

test('a failing step is told with what stands before the failure, RAISE(ROLLBACK) among them', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE t(v)',
    "CREATE TRIGGER r BEFORE INSERT ON t WHEN new.v = 3 BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
  ]);
  const texts = ['INSERT INTO t VALUES(1)', 'INSERT INTO t VALUES(2); INSERT INTO t VALUES(3)'];
  const first = ran(writer.tryTransaction(trialOf(writer, texts.slice(0, 1))));
  const { failed, json } = ran(writer.tryTransaction(trialOf(writer, texts, [first.digest])));
  assert.deepEqual([failed, json.toString()], [true, '{"error":"no"}']);
  assert.equal(
    executed(writer, ['INSERT INTO t VALUES(4)']),
    '[{"last_insert_id":1,"rows_affected":1}]',
  );
});

test('how long a statement took is no part of what was seen', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, ['CREATE TABLE t(v)']);
  const texts = ['INSERT INTO t VALUES(1)', 'SELECT v, \'","time":1}\' FROM t'];
  const timed = 17 + 2;
  const digests: Uint8Array[] = [];
  for (let at = 1; at <= texts.length; at++) {
    const trial = trialOf(writer, texts.slice(0, at), digests, timed);
    const { json, digest } = ran(writer.tryTransaction(trial));
    assert.match(json.toString(), /"time":[-+.\de]+\}$/);
    digests.push(digest);
  }
  assert.equal(writer.tryTransaction(trialOf(writer, texts, digests, timed)).kind, 'ran');
});

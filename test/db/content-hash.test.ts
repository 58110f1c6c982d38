// The content hash: equal for equal content whatever the files look like, another for any other.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { ContentHash } from '#db/reader.ts';
import type { CommittedEntry } from '#db/writer.ts';
import { startReaderProcess } from '#node/reader-process.ts';
import { hashContent, snapshotOpen } from '#node/seams/reader-seam.ts';
import {
  commandEntry,
  executed,
  queried,
  readerIn,
  temporaryFolder,
  type Written,
  writerIn,
} from './support.ts';

/** The hash of a database in which each of the statements was a command of its own. */
const hashAfter = (t: TestContext, statements: readonly Written[]): ContentHash => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  for (const statement of statements) {
    assert.doesNotMatch(executed(writer, [statement]), /error/);
  }
  return readerIn(t, folder).contentHash();
};

const table = 'CREATE TABLE t(a, b)';

test('any difference in value, type, rowid, order of columns or schema is another hash', (t) => {
  const variants: readonly (readonly Written[])[] = [
    [table],
    [table, 'INSERT INTO t VALUES(1, NULL)'],
    [table, 'INSERT INTO t VALUES(1.0, NULL)'],
    [table, "INSERT INTO t VALUES('1', NULL)"],
    [table, "INSERT INTO t VALUES(x'31', NULL)"],
    [table, 'INSERT INTO t VALUES(NULL, 1)'],
    [table, 'INSERT INTO t(rowid, a) VALUES(2, 1)'],
    [table, 'INSERT INTO t VALUES(9007199254740993, NULL)'],
    [table, 'INSERT INTO t VALUES(9007199254740992, NULL)'],
    [table, "INSERT INTO t VALUES('ab', 'c')"],
    [table, "INSERT INTO t VALUES('a', 'bc')"],
    [table, "INSERT INTO t VALUES('', NULL)"],
    [table, 'INSERT INTO t VALUES(1, NULL), (1, NULL)'],
    [table, 'CREATE INDEX i ON t(a)'],
    ['CREATE TABLE t(a, b INT)'],
    ['CREATE TABLE u(a, b)'],
    [table, 'INSERT INTO t VALUES(zeroblob(300000), NULL)'],
    [table, 'INSERT INTO t VALUES(zeroblob(300001), NULL)'],
    [table, ['INSERT INTO t VALUES(?, NULL)', 'é'.repeat(200_000)]],
    [table, ['INSERT INTO t VALUES(?, NULL)', 'é'.repeat(200_001)]],
    ['CREATE TABLE t(a, b)', 'CREATE TABLE s(i INTEGER PRIMARY KEY AUTOINCREMENT)'],
  ];
  const digests = variants.map((statements) => hashAfter(t, statements).digest);
  assert.equal(new Set(digests).size, variants.length, digests.join('\n'));
});

test('a fixed database has the digest that the page of the format describes', (t) => {
  const { tables, schemaDigest, digest } = hashAfter(t, [
    table,
    "INSERT INTO t VALUES(-2, 'é'), (0.5, x'ff')",
  ]);
  const sha = (...parts: readonly Buffer[]): string =>
    createHash('sha256').update(Buffer.concat(parts)).digest('hex');
  const integer = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(9, 1);
    bytes.writeBigInt64BE(value, 1);
    return bytes;
  };
  const sized = (code: number, bytes: Buffer): Buffer => {
    const head = Buffer.alloc(9, code);
    head.writeBigUInt64BE(BigInt(bytes.length), 1);
    return Buffer.concat([head, bytes]);
  };
  const text = (value: string): Buffer => sized(3, Buffer.from(value));
  const half = Buffer.alloc(9, 2);
  half.writeDoubleBE(0.5, 1);
  const rows = sha(
    integer(1n),
    integer(-2n),
    text('é'),
    integer(2n),
    half,
    sized(4, Buffer.from([255])),
  );
  assert.deepEqual(tables, [{ name: 't', rows: 2, digest: rows }]);
  assert.equal(schemaDigest, sha(text('table'), text('t'), text('t'), text(table)));
  assert.equal(
    digest,
    sha(text('stockade content 1'), text(schemaDigest), text('t'), integer(2n), text(rows)),
  );
});

test('the same log in other batches is the same hash, full-text index and R-tree included', (t) => {
  const schema = commandEntry(1, [
    'CREATE VIRTUAL TABLE words USING fts5(body)',
    'CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)',
    'CREATE TABLE pairs(k TEXT COLLATE NOCASE, v, PRIMARY KEY(k DESC)) WITHOUT ROWID',
    'CREATE TABLE odd(rowid, _rowid_, oid)',
    'CREATE TABLE sums(a)',
  ]);
  const options = { schemaIndex: 1 };
  const entries: CommittedEntry[] = Array.from({ length: 60 }, (_, at) =>
    commandEntry(
      at + 2,
      [
        ['INSERT INTO words VALUES(?)', `word ${at} of many`],
        ['INSERT INTO boxes VALUES(?, ?, ?)', BigInt(at), at, at + 1],
        ['INSERT INTO pairs VALUES(?, ?)', `Key${(at * 7) % 60}`, at],
        ['INSERT INTO odd VALUES(?, random(), NULL)', at],
        'INSERT INTO sums VALUES(-9223372036854775808)',
      ],
      options,
    ),
  );
  // Its value overflows in every row: reading it fails.
  const generated = 'ALTER TABLE sums ADD COLUMN b GENERATED ALWAYS AS (abs(a)) VIRTUAL';
  entries.push(commandEntry(62, [generated], options));
  const hashOf = (batch: number): ContentHash => {
    const folder = temporaryFolder(t);
    const writer = writerIn(t, folder);
    writer.apply([schema]);
    for (let at = 0; at < entries.length; at += batch) {
      writer.apply(entries.slice(at, at + batch));
    }
    const reader = readerIn(t, folder);
    assert.match(queried(reader, ['SELECT b FROM sums']), /integer overflow/);
    return reader.contentHash();
  };
  const one = hashOf(1);
  assert.deepEqual(
    one.tables.map(({ name, rows }) => [name, rows]),
    [
      ['boxes', 60],
      ['odd', 60],
      ['pairs', 60],
      ['sums', 60],
      ['words', 60],
    ],
  );
  assert.equal(one.appliedIndex, 62);
  assert.deepEqual(hashOf(17), one);
});

test('a reader process answers with the hash at its index, beside a writer that goes on', async (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [table]);
  executed(writer, ['INSERT INTO t VALUES(1, 2)']);
  const here = readerIn(t, folder);
  const before = here.contentHash();
  const ready = Promise.withResolvers<void>();
  const reader = startReaderProcess(
    { folder, doubleQuotedStrings: false },
    {
      onReady: ready.resolve,
      onFailed: (reason) => ready.reject(new Error(reason)),
      onEnded: () => ready.reject(new Error('it ended')),
    },
  );
  t.after(() => reader.kill());
  await ready.promise;
  const hashed = async () => {
    const answer = await reader.seam.ask(hashContent, undefined);
    assert.ok(answer.kind === 'content');
    return answer.content;
  };
  const snapshots: number[] = [];
  reader.seam.hear(snapshotOpen, ({ appliedIndex }) => snapshots.push(appliedIndex));
  assert.deepEqual(await hashed(), before);
  executed(writer, ['UPDATE t SET b = 3']);
  const after = await hashed();
  assert.deepEqual(snapshots, [before.appliedIndex, after.appliedIndex]);
  assert.equal(after.appliedIndex, before.appliedIndex + 1);
  assert.equal(after.outcomeChain, Buffer.from(writer.state.outcomeChain).toString('hex'));
  assert.notEqual(after.digest, before.digest);
  assert.equal(after.schemaDigest, before.schemaDigest);
});

// What is missing from the stream is told, and nothing is told to be missing that is not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeMaintenance } from '#command/maintenance-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import { ChangeReader } from '#db/changes/read-changes.ts';
import { currentDatabaseFiles } from '#db/database-files.ts';
import { openWriter } from '#db/open-writer.ts';
import type { CommittedEntry } from '#db/writer.ts';
import { type FileSystem, systemFiles } from '#io/file-system.ts';
import { frameBytesMax } from '#limits.ts';
import { applySteps, converted, fileOf, stepsOf } from '../load/support.ts';
import {
  capturing,
  effects,
  entryTimeMs,
  executed,
  seedOf,
  temporaryFolder,
  writerIn,
} from '../support.ts';
import { storedEvents } from './events.ts';

const table = 'CREATE TABLE t(id INTEGER PRIMARY KEY, a)';

const vacuumEntry = (index: number): CommittedEntry => ({
  index,
  term: 1,
  kind: 'command',
  data: encodeProposal({
    timeMs: entryTimeMs,
    seed: seedOf(index),
    command: encodeMaintenance('vacuum'),
  }),
  render: 0,
});

const texts = (folder: string): readonly string[] =>
  storedEvents(folder).map(({ entry, text }) => `${entry} ${text}`);

test('a VACUUM is no gap, and what is written behind it is captured', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { changes: capturing });
  executed(writer, [table]);
  executed(writer, ['INSERT INTO t VALUES (1, 1), (2, 2)']);
  assert.ok(writer.apply([vacuumEntry(3)]).replaced);
  executed(writer, ['UPDATE t SET a = 5 WHERE id = 2']);
  assert.deepEqual(texts(folder).slice(2), [
    '4 {"op":"UPDATE","table":"t","new_row_id":2,"old_row_id":2,"before":{"id":2,"a":2},"after":{"id":2,"a":5}}',
  ]);
});

test('what was written while capture was off is a gap with its range, and then changes go on', (t) => {
  const folder = temporaryFolder(t);
  const run = (changes: boolean, ...statements: readonly string[]): void => {
    const writer = openWriter({
      dataFolder: folder,
      ...effects,
      ...(changes ? { changes: capturing } : {}),
    });
    for (const statement of statements) executed(writer, [statement]);
    writer.close();
  };
  run(false, table);
  run(true, 'INSERT INTO t VALUES (1, 1)');
  run(true, 'INSERT INTO t VALUES (2, 2)');
  run(false, 'DELETE FROM t', 'INSERT INTO t VALUES (3, 3)');
  run(true, 'INSERT INTO t VALUES (4, 4)');
  assert.deepEqual(texts(folder), [
    '2 {"op":"INSERT","table":"t","new_row_id":1,"after":{"id":1,"a":1}}',
    '3 {"op":"INSERT","table":"t","new_row_id":2,"after":{"id":2,"a":2}}',
    '5 {"op":"GAP","from":4,"error":"missed"}',
    '6 {"op":"INSERT","table":"t","new_row_id":4,"after":{"id":4,"a":4}}',
  ]);
});

test('an entry that changes more than is kept is a gap, and the next one is captured', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { changes: capturing });
  executed(writer, [table]);
  executed(writer, ['INSERT INTO t VALUES (1, hex(zeroblob(5000000)))']);
  executed(writer, ["UPDATE t SET a = 'small'"]);
  executed(writer, ['INSERT INTO t VALUES (2, 2)']);
  assert.deepEqual(texts(folder), [
    '2 {"op":"GAP","from":2,"error":"too_large"}',
    '3 {"op":"GAP","from":3,"error":"too_large"}',
    '4 {"op":"INSERT","table":"t","new_row_id":2,"after":{"id":2,"a":2}}',
  ]);
});

test('when its room is full the oldest events go, and a reader is told up to which entry', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { changes: { ...capturing, keptBytes: 100_000 } });
  executed(writer, [table]);
  for (let at = 1; at <= 30; at++) {
    executed(writer, [['INSERT INTO t VALUES (?, ?)', BigInt(at), 'x'.repeat(10_000)]]);
  }
  const reader = ChangeReader.open(folder, systemFiles);
  t.after(() => reader?.close());
  const found = reader?.read({ after: 0, bytesMax: 1_000_000 });
  assert.equal(found?.storedIndex, 31);
  assert.ok(found.droppedIndex >= 20 && found.droppedIndex < 31, String(found.droppedIndex));
  assert.deepEqual(
    found.entries.map(({ index }) => index),
    Array.from({ length: 31 - found.droppedIndex }, (_, at) => (found.droppedIndex ?? 0) + 1 + at),
  );
});

test('a database file that is loaded is a gap, and writes to it are captured', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { changes: capturing });
  executed(writer, [table]);
  executed(writer, ['INSERT INTO t VALUES (1, 1)']);
  const file = fileOf(t, 'CREATE TABLE other(a); INSERT INTO other VALUES (1);');
  applySteps(writer, stepsOf(converted(t, file), 'database'));
  const { appliedIndex } = writer.state;
  executed(writer, ['INSERT INTO other VALUES (2)']);
  assert.deepEqual(texts(folder).slice(1), [
    `${appliedIndex} {"op":"GAP","from":${appliedIndex},"error":"missed"}`,
    `${appliedIndex + 1} {"op":"INSERT","table":"other","new_row_id":2,"after":{"a":2}}`,
  ]);
});

test('a database whose pages are not what they must be is served all the same, and that is told', (t) => {
  const folder = temporaryFolder(t);
  const first = openWriter({ dataFolder: folder, ...effects });
  executed(first, [table]);
  first.close();
  // UTF-16, as no database is that this program makes.
  const { database } = currentDatabaseFiles(folder, systemFiles);
  const bytes = readFileSync(database);
  const encodingAt = 56;
  const problems: unknown[] = [];
  const onProblem = (error: unknown): void => {
    problems.push(error);
  };
  const files: FileSystem = {
    ...systemFiles,
    open: (path, access) => {
      const file = systemFiles.open(path, access);
      if (path !== database) return file;
      return {
        ...file,
        read: (into, position) => {
          const read = file.read(into, position);
          if (position === 0 && into.length > encodingAt + 3) into[encodingAt + 3] = 2;
          return read;
        },
      };
    },
  };
  assert.equal(bytes[encodingAt + 3], 1);
  const changes = { keptBytes: 1_000_000, onProblem };
  const writer = openWriter({ dataFolder: folder, ...effects, files, changes });
  assert.match(executed(writer, ['INSERT INTO t VALUES (1, 1)']), /rows_affected/);
  writer.close();
  assert.ok(problems.length > 0);
});

test('what is captured of an entry fits into a frame between processes, whatever its texts are', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { changes: capturing });
  executed(writer, [table]);
  executed(writer, [['INSERT INTO t VALUES (1, ?)', '"'.repeat(1_500_000)]]);
  executed(writer, [
    "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, '' FROM n",
  ]);
  executed(writer, [['INSERT INTO t VALUES (0, ?)', '"'.repeat(1_600_000)]]);
  const found = ChangeReader.open(folder, systemFiles)?.read({ after: 0, bytesMax: 1024 * 1024 });
  assert.deepEqual(
    found?.entries.map(({ index }) => index),
    [2],
  );
  assert.ok(Buffer.byteLength(JSON.stringify(found)) < frameBytesMax);
  const rest = ChangeReader.open(folder, systemFiles)?.read({ after: 2, bytesMax: 1024 * 1024 });
  assert.equal(rest?.entries[0]?.events.length, 19_999);
  assert.ok(Buffer.byteLength(JSON.stringify(rest)) < frameBytesMax);
  assert.match(texts(folder).at(-1) ?? '', /too_large/);
});

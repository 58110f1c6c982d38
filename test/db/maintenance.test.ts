// VACUUM and ANALYZE as entries of the log: what the database holds stays the same, rowids
// included, every replica records the same whatever became of its file, and a crash leaves either.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeMaintenance, type MaintenanceKind } from '#command/maintenance-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import { openReader } from '#db/open-reader.ts';
import type { Writer } from '#db/writer.ts';
import { writerWithEverything } from './backup/support.ts';
import { effects, executed, temporaryFolder, writerIn } from './support.ts';

const timeMs = Date.UTC(2100, 0, 1);

const entryOf = (
  writer: Writer,
  kind: MaintenanceKind,
  more: Partial<{ command: Buffer }> = {},
) => {
  const command = more.command ?? encodeMaintenance(kind);
  const data = encodeProposal({ timeMs, seed: Buffer.alloc(16), command });
  const index = writer.state.appliedIndex + 1;
  return { index, term: 1, kind: 'command', data, render: 1 } as const;
};

const hashOf = (folder: string) => {
  const reader = openReader({ dataFolder: folder, ...effects });
  try {
    return reader.contentHash();
  } finally {
    reader.close();
  }
};

const withHoles = (t: TestContext): { readonly folder: string; readonly writer: Writer } => {
  const folder = temporaryFolder(t);
  const writer = writerWithEverything(t, folder);
  // No key and no index: SQLite's own VACUUM in place would number these rows anew.
  executed(writer, ['CREATE TABLE plain(a)']);
  executed(writer, ['INSERT INTO plain(rowid, a) VALUES(5, 1), (90, 2), (700, 3)']);
  executed(writer, ['CREATE TABLE gone AS SELECT zeroblob(900000) AS b']);
  executed(writer, ['DROP TABLE gone']);
  return { folder, writer };
};

test('a vacuum makes the file smaller, keeps content and rowids, and goes on behind its entry', (t) => {
  const { folder, writer } = withHoles(t);
  const before = hashOf(folder);
  const { schemaIndex } = writer.state;
  const batch = writer.apply([entryOf(writer, 'vacuum')]);
  assert.equal(batch.replaced, true);
  assert.equal(batch.outcomes.length, 1);
  const after = hashOf(folder);
  assert.equal(after.digest, before.digest, 'rowids are part of it');
  assert.equal(after.appliedIndex, before.appliedIndex + 1);
  assert.equal(writer.state.schemaIndex, schemaIndex, 'verdicts stay good');
  assert.deepEqual(writer.maintained(), { vacuum: timeMs });
  executed(writer, ['INSERT INTO plain VALUES(4)']);
  const reader = openReader({ dataFolder: folder, ...effects });
  t.after(() => reader.close());
  assert.deepEqual(
    readdirSync(join(folder, 'db')).filter((name) => /^v\d+t1$/.test(name)).length,
    1,
  );
  writer.removeLeftovers(false);
  writer.apply([entryOf(writer, 'vacuum')]);
  assert.equal(writer.maintained()['vacuum'], timeMs);
});

test('replicas with other pages, restarts and batches end alike', (t) => {
  const made = withHoles(t);
  const other = withHoles(t);
  other.writer.close();
  const writer = writerIn(t, other.folder);
  const chain = (each: Writer): string => Buffer.from(each.state.outcomeChain).toString('hex');
  const steps: readonly MaintenanceKind[] = ['vacuum', 'optimize', 'vacuum', 'vacuum', 'optimize'];
  for (const kind of steps) {
    for (const each of [made.writer, writer]) {
      each.apply([entryOf(each, kind)]);
      executed(each, [
        'INSERT INTO plain VALUES(9)',
        "INSERT INTO a(x) VALUES('logged by a trigger')",
      ]);
    }
    assert.equal(chain(made.writer), chain(writer), kind);
    assert.equal(hashOf(made.folder).digest, hashOf(other.folder).digest, kind);
  }
  made.writer.close();
  const restarted = writerIn(t, made.folder);
  assert.equal(restarted.state.appliedIndex, writer.state.appliedIndex);
  for (const each of [restarted, writer]) each.apply([entryOf(each, 'optimize')]);
  assert.equal(hashOf(made.folder).digest, hashOf(other.folder).digest);
});

test('an optimize leaves statistics', (t) => {
  const { folder, writer } = withHoles(t);
  executed(writer, ['CREATE INDEX plain_a ON plain(a)']);
  const before = hashOf(folder);
  writer.apply([entryOf(writer, 'optimize')]);
  const stats = (hash: ReturnType<typeof hashOf>) =>
    hash.tables.find(({ name }) => name === 'sqlite_stat1')?.rows ?? 0;
  assert.ok(stats(hashOf(folder)) > stats(before));
});

test('maintenance of a kind that is not known is recorded and does nothing', (t) => {
  const { folder, writer } = withHoles(t);
  const before = hashOf(folder);
  const command = Buffer.from(encodeMaintenance('vacuum'));
  command[3] = 9;
  const batch = writer.apply([entryOf(writer, 'vacuum', { command })]);
  assert.equal(batch.replaced, false);
  assert.equal(hashOf(folder).digest, before.digest);
  assert.deepEqual(writer.maintained(), {});
});

test('what comes behind a vacuum in the same batch is applied to the new file', (t) => {
  const { folder, writer } = withHoles(t);
  const vacuum = entryOf(writer, 'vacuum');
  const next = { ...entryOf(writer, 'optimize'), index: vacuum.index + 1 };
  const batch = writer.apply([vacuum, next]);
  assert.equal(batch.appliedIndex, next.index);
  assert.equal(batch.replaced, true);
  assert.equal(batch.outcomes.length, 2);
  assert.equal(hashOf(folder).appliedIndex, next.index);
});

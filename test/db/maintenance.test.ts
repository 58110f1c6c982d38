// VACUUM and ANALYZE as entries of the log: what the database holds stays the same, rowids
// included, every replica records the same whatever became of its file, and a crash leaves either.
import assert from 'node:assert/strict';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeMaintenance, type MaintenanceKind } from '#command/maintenance-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import { currentDatabaseFiles } from '#db/database-files.ts';
import { openEngine } from '#db/engine.ts';
import { loadingFolder } from '#db/generations.ts';
import { openReader } from '#db/open-reader.ts';
import type { Writer } from '#db/writer.ts';
import type { FileSystem } from '#io/file-system.ts';
import { writerWithEverything } from './backup/support.ts';
import { effects, executed, temporaryFolder, writerIn } from './support.ts';

// Folders are copied here, and a database that others can read is refused.
process.umask(0o077);

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
  assert.deepEqual(writer.maintained(), { lastMs: { vacuum: timeMs }, vacuumsSkipped: 0 });
  executed(writer, ['INSERT INTO plain VALUES(4)']);
  const reader = openReader({ dataFolder: folder, ...effects });
  t.after(() => reader.close());
  assert.deepEqual(
    readdirSync(join(folder, 'db')).filter((name) => /^v\d+t1$/.test(name)).length,
    1,
  );
  writer.removeLeftovers(false);
  writer.apply([entryOf(writer, 'vacuum')]);
  assert.equal(writer.maintained().lastMs['vacuum'], timeMs);
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

/** As the file has it, for whoever opens it next. */
const schemaIn = (folder: string): unknown => {
  const { database } = currentDatabaseFiles(folder, effects.files);
  const engine = openEngine(database, { readonly: true, busyTimeoutMs: 1000 });
  try {
    const text = 'SELECT rowid, type, name, sql FROM sqlite_schema ORDER BY rowid';
    return engine.prepare(text).all({ anonymous: [] }, false);
  } finally {
    engine.close();
  }
};

const outOfRoom = (): never => {
  throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
};

const disks: readonly (readonly [when: string, files: FileSystem])[] = [
  [
    'before',
    { ...effects.files, space: (path) => ({ ...effects.files.space(path), freeBytes: 1 }) },
  ],
  [
    'in the midst of',
    {
      ...effects.files,
      rename: (from, to) => (/v\d+t1$/.test(to) ? outOfRoom() : effects.files.rename(from, to)),
    },
  ],
];

for (const [when, files] of disks) {
  test(`a replica whose room ends ${when} a vacuum keeps its file, and no other can tell`, (t) => {
    const small = withHoles(t);
    const large = withHoles(t);
    small.writer.close();
    const full = writerIn(t, small.folder, { files });
    const both = [full, large.writer];
    // Views and triggers before tables and indexes: a VACUUM alone would turn that round.
    const more = ['CREATE TABLE late(a)', 'CREATE INDEX late_a ON late(a)', 'DROP VIEW seen'];
    for (const each of both) executed(each, more);
    const [kept, made] = both.map((each) => each.apply([entryOf(each, 'vacuum')]).replaced);
    assert.deepEqual([kept, made], [false, true]);
    assert.deepEqual(schemaIn(small.folder), schemaIn(large.folder));
    assert.deepEqual(full.maintained(), { lastMs: { vacuum: timeMs }, vacuumsSkipped: 1 });
    for (const each of both) {
      executed(each, [
        "INSERT INTO a(x) VALUES('logged by a trigger')",
        'INSERT INTO late VALUES(1)',
      ]);
      each.apply([entryOf(each, 'optimize')]);
      executed(each, ['CREATE TABLE last(a)', 'INSERT INTO plain VALUES(4)']);
    }
    assert.deepEqual(schemaIn(small.folder), schemaIn(large.folder));
    assert.equal(hashOf(small.folder).digest, hashOf(large.folder).digest);
    const chains = both.map((each) => Buffer.from(each.state.outcomeChain).toString('hex'));
    assert.equal(chains[0], chains[1]);
    const left =
      effects.files.status(loadingFolder(small.folder)) === undefined
        ? []
        : readdirSync(loadingFolder(small.folder));
    assert.deepEqual(left, []);
  });
}

/** Real files until the call with this number, which ends everything as a crash does. */
const filesUntil = (last: number): FileSystem => {
  let calls = 0;
  return new Proxy(effects.files, {
    get: (target, key, receiver) => {
      const method: unknown = Reflect.get(target, key, receiver);
      if (typeof method !== 'function') return method;
      return (...given: readonly unknown[]): unknown => {
        calls += 1;
        if (calls >= last) throw new Error('crash');
        return Reflect.apply(method, target, given);
      };
    },
  });
};

test('a crash at any step of a vacuum leaves a database that goes on to the same', (t) => {
  const { folder, writer } = withHoles(t);
  const entry = entryOf(writer, 'vacuum');
  const optimize = { ...entryOf(writer, 'optimize'), index: entry.index + 1 };
  writer.close();
  const results = new Set<string>();
  let crashes = 0;
  for (let crashed = true; crashed; ) {
    const copy = temporaryFolder(t);
    cpSync(folder, copy, { recursive: true });
    // The real files while it opens, which is not looked at here.
    let files: FileSystem = effects.files;
    const through = new Proxy(effects.files, { get: (_, key) => Reflect.get(files, key) });
    const first = writerIn(t, copy, { files: through });
    files = filesUntil(crashes + 1);
    crashed = false;
    try {
      first.apply([entry]);
    } catch {
      crashed = true;
      crashes += 1;
    }
    files = effects.files;
    first.close();
    const again = writerIn(t, copy);
    again.apply([entry, optimize].filter(({ index }) => index > again.state.appliedIndex));
    const chain = Buffer.from(again.state.outcomeChain).toString('hex');
    results.add(`${chain} ${hashOf(copy).digest}`);
    again.removeLeftovers(true);
    assert.equal(readdirSync(join(copy, 'db')).length, 2, 'CURRENT and one generation');
    again.close();
  }
  assert.ok(crashes > 15, `${crashes} places to crash at`);
  assert.equal(results.size, 1);
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
  assert.deepEqual(writer.maintained().lastMs, {});
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

// Scheduled backups end to end but for the clock: of a real database, into real stores. What is
// described is whole and verified; what is not is nothing.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { hashContent } from '#db/content-hash.ts';
import { currentDatabaseFiles } from '#db/database-files.ts';
import { openEngine } from '#db/engine.ts';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { fetchBackup, fetchChunks } from '#node/backups/fetch-backup.ts';
import {
  type BackupEnd,
  type BackupProgress,
  type BackupTask,
  takeBackup,
} from '#node/backups/scheduled/take-backup.ts';
import { backupNameFrom, manifestNameOf } from '#store/backup-name.ts';
import type { BackupStore } from '#store/backup-store.ts';
import { backupsIn, namesToRemove, readManifest } from '#store/catalogue.ts';
import { openFolderStore } from '#store/folder-store.ts';
import { openStore } from '#store/open-store.ts';
import { readStoreSettings } from '#store/store-settings.ts';
import { writerWithEverything } from '../../db/backup/support.ts';
import { effects, executed, temporaryFolder } from '../../db/support.ts';
import { S3Server } from '../../store/s3-server.ts';

const cluster = '0123456789abcdef0123456789abcdef';
const dayMs = 24 * 3_600_000;
const wholeSecond = (ms: number): number => Math.floor(ms / 1000) * 1000;

const taskOf = (folder: string, more: Partial<BackupTask> = {}): BackupTask => ({
  ...{ folder, cluster, node: 'n1', version: '0' },
  ...{ compress: true, vacuum: false, readBack: true, intervalMs: 1 },
  keep: { count: 0, ageMs: undefined },
  ...more,
});

interface Taken {
  readonly folder: string;
  readonly writer: ReturnType<typeof writerWithEverything>;
  readonly take: (
    store: BackupStore,
    more?: Partial<BackupTask>,
    tell?: (progress: BackupProgress) => void,
  ) => Promise<BackupEnd>;
  /** Moves the clock of the backups. */
  readonly pass: (ms: number) => void;
}

const database = (t: TestContext): Taken => {
  const folder = temporaryFolder(t);
  const writer = writerWithEverything(t, folder);
  let aheadMs = 0;
  const clock = { ...effects.clock, wallMs: () => effects.clock.wallMs() + aheadMs };
  return {
    folder,
    writer,
    take: (store, more = {}, tell = () => undefined) =>
      takeBackup(taskOf(folder, more), store, { ...effects, clock }, tell),
    pass: (ms) => {
      aheadMs += ms;
    },
  };
};

const stored = (end: BackupEnd): Extract<BackupEnd, { kind: 'stored' }> => {
  assert.ok(end.kind === 'stored', JSON.stringify(end));
  return end;
};

/** Of what users stored; replicas compare the statistics of ANALYZE as well. */
const contentHashOf = (folder: string): string => {
  const { database } = currentDatabaseFiles(folder, systemFiles);
  const engine = openEngine(database, { readonly: true, busyTimeoutMs: 0 });
  try {
    return hashContent(engine, false).digest;
  } finally {
    engine.close();
  }
};

const refusal = (code: string, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CodedError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, pattern);
  return true;
};

test('a backup holds the state that its description names; an unchanged state is not stored again', async (t) => {
  const { folder, writer, take, pass } = database(t);
  const place = temporaryFolder(t);
  const store = openFolderStore(place, systemFiles);
  const phases: string[] = [];
  const first = stored(await take(store, {}, ({ phase }) => phases.push(phase)));
  assert.deepEqual([...new Set(phases)], ['looking', 'copying', 'sending', 'verifying', 'tidying']);
  assert.equal(first.content, contentHashOf(folder));
  assert.deepEqual(readdirSync(join(folder, 'backups')), []);
  assert.deepEqual(backupNameFrom(first.name), {
    takenMs: first.lastMs,
    cluster: cluster.slice(0, 8),
    index: writer.state.appliedIndex,
    compressed: true,
  });
  const path = join(temporaryFolder(t), 'x.sqlite');
  const fetched = await fetchBackup(store, undefined, path, systemFiles);
  assert.equal(fetched.name, first.name);
  assert.equal(fetched.digest, first.content);
  assert.equal(fetched.bytes, first.databaseBytes);
  assert.deepEqual(readFileSync(path), gunzipSync(readFileSync(join(place, first.name))));

  assert.equal(
    (await take(store, { intervalMs: dayMs })).kind,
    'early',
    'the store remembers when',
  );
  pass(2000);
  assert.equal((await take(store)).kind, 'unchanged', 'no entry since');
  executed(writer, ['CREATE TABLE once(a)']);
  executed(writer, ['DROP TABLE once']);
  assert.equal((await take(store)).kind, 'unchanged', 'entries since, but the same content');
  executed(writer, ['CREATE TABLE more(a)', 'INSERT INTO more VALUES(1)']);
  const second = stored(await take(store, { vacuum: true, compress: false, readBack: false }));
  assert.notEqual(second.content, first.content);
  assert.equal(second.content, contentHashOf(folder));
  assert.match(second.name, /\.sqlite$/);
  assert.equal((await readManifest(store, second.name)).content, second.content);
  await assert.rejects(
    fetchChunks(
      store.get(second.name),
      await readManifest(store, first.name),
      `${path}.other`,
      systemFiles,
    ),
    refusal('backup_invalid', /longer|digest|bytes/),
  );
});

test('only so many and so young backups stay, never none, and nothing of another cluster goes', async (t) => {
  const { writer, take, pass } = database(t);
  const place = temporaryFolder(t);
  const store = openFolderStore(place, systemFiles);
  const foreign = 'stockade-20200101T000000Z-ffffffff-7.sqlite.gz';
  const unfinished = `stockade-20200101T000000Z-${cluster.slice(0, 8)}-7.sqlite.gz`;
  for (const name of [foreign, `${foreign}.json`, 'notes.txt', unfinished]) {
    writeFileSync(join(place, name), 'x');
  }
  const names: string[] = [];
  for (let at = 0; at < 4; at++) {
    executed(writer, [`CREATE TABLE t${at}(a)`]);
    names.push(stored(await take(store, { keep: { count: 2, ageMs: undefined } })).name);
    pass(dayMs);
  }
  const whole = (...kept: readonly string[]): readonly string[] =>
    [
      foreign,
      `${foreign}.json`,
      'notes.txt',
      ...kept.flatMap((name) => [name, `${name}.json`]),
    ].sort();
  assert.deepEqual(readdirSync(place).sort(), whole(...names.slice(2)));
  pass(30 * dayMs);
  executed(writer, ['CREATE TABLE late(a)']);
  const last = stored(await take(store, { keep: { count: 0, ageMs: dayMs } }));
  assert.equal(last.removed, 4);
  assert.deepEqual(readdirSync(place).sort(), whole(last.name));
  const objects = await store.list();
  const never = namesToRemove(objects, cluster, { count: 1, ageMs: 1 }, Date.now() + 999 * dayMs);
  assert.deepEqual(never, [], 'the newest stays however old it is');
  const half = namesToRemove(
    [{ name: unfinished, bytes: 1 }, ...objects],
    cluster,
    { count: 1, ageMs: 1 },
    Date.now(),
  );
  assert.deepEqual(half, [unfinished]);
});

test('a backup that the store damages is never described, and goes away', async (t) => {
  const { take } = database(t);
  const place = temporaryFolder(t);
  const plain = openFolderStore(place, systemFiles);
  const damaging: BackupStore = {
    ...plain,
    put: async (name, file, onSent) => {
      await plain.put(name, file, onSent);
      const bytes = readFileSync(join(place, name));
      bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
      writeFileSync(join(place, name), bytes);
    },
  };
  await assert.rejects(take(damaging), (error) => error instanceof CodedError);
  assert.deepEqual(readdirSync(place), []);
});

test('what is fetched is refused: damaged, cut off, too long, another content, no database', async (t) => {
  const { take, folder } = database(t);
  const place = temporaryFolder(t);
  const store = openFolderStore(place, systemFiles);
  const { name } = stored(await take(store));
  const manifest = await readManifest(store, name);
  const good = readFileSync(join(place, name));
  const path = join(folder, 'fetched.sqlite');
  const fetched = (bytes: Buffer, more: object | undefined) => {
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    };
    const described = more === undefined ? undefined : { ...manifest, ...more };
    return fetchChunks(chunks(), described, path, systemFiles);
  };
  assert.equal((await fetched(good, {})).digest, manifest.content);
  rmSync(path);
  const damaged = Buffer.from(good);
  damaged.writeUInt8(damaged.readUInt8(3000) ^ 8, 3000);
  const wrong: readonly (readonly [Buffer, object | undefined, RegExp])[] = [
    [damaged, {}, /uncompress|digest|sound/],
    [good.subarray(0, 2000), {}, /uncompress|bytes/],
    [Buffer.concat([good, good]), {}, /longer/],
    [good, { databaseBytes: manifest.databaseBytes - 1 }, /larger database/],
    [good, { content: '0'.repeat(64) }, /content hash differs/],
    [Buffer.from('not a database at all'.repeat(100)), undefined, /no sound database/],
    [Buffer.alloc(0), {}, /0 bytes/],
  ];
  for (const [bytes, more, pattern] of wrong) {
    await assert.rejects(fetched(bytes, more), pattern);
    assert.equal(systemFiles.status(path), undefined, 'nothing is left');
  }
});

test('to a store that speaks S3: signed, verified, and a failure leaves nothing behind', async (t) => {
  const { take, writer, folder, pass } = database(t);
  const server = await S3Server.start(t);
  writeFileSync(join(folder, 'ca.pem'), server.ca);
  writeFileSync(
    join(folder, 'store.json'),
    JSON.stringify(server.settings({ ca: 'ca.pem', prefix: 'a/b' })),
    { mode: 0o600 },
  );
  const settings = readStoreSettings(join(folder, 'store.json'), {}, systemFiles);
  const store = openStore(settings, systemFiles, new AbortController().signal);
  t.after(() => store.close());
  const { name, content } = stored(await take(store));
  assert.deepEqual([...server.objects.keys()].sort(), [`a/b/${name}`, `a/b/${name}.json`]);
  assert.equal(content, contentHashOf(folder));
  executed(writer, ['CREATE TABLE other(a)']);
  pass(2000);
  server.fault = ({ method, url }) =>
    method === 'PUT' && url.includes('.json') ? { status: 403, code: 'AccessDenied' } : undefined;
  await assert.rejects(take(store), refusal('store_failed', /AccessDenied/));
  assert.deepEqual([...server.objects.keys()].sort(), [`a/b/${name}`, `a/b/${name}.json`]);
  server.fault = ({ method }) =>
    method === 'DELETE' ? { status: 403, code: 'AccessDenied' } : undefined;
  const kept = stored(await take(store, { keep: { count: 1, ageMs: undefined } }));
  assert.match(kept.tidyingFailed, /AccessDenied/, 'the backup counts all the same');
  assert.equal(backupsIn(await store.list()).length, 2);
});

test('a description that is not one is refused', async (t) => {
  const { take } = database(t);
  const place = temporaryFolder(t);
  const store = openFolderStore(place, systemFiles);
  const { name } = stored(await take(store));
  const path = join(place, manifestNameOf(name));
  const good = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const wrong = [
    '{',
    '1',
    { ...good, format: 2 },
    { ...good, bytes: -1 },
    { ...good, sha256: 'x' },
    { ...good, cluster: 1 },
    { ...good, compressed: 1 },
    'x'.repeat(100_000),
  ];
  for (const content of wrong) {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    await assert.rejects(readManifest(store, name), refusal('backup_invalid', /description of/));
  }
  assert.ok(wholeSecond(Number(good['takenMs'])) === good['takenMs']);
});

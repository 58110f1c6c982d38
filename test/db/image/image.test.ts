// Images with real databases: what one holds, that making it stops nobody, and that whatever is
// wrong with one leaves the old state as it was and nothing else on the disk.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { decodeClusterRecord } from '#command/cluster-record-codec.ts';
import { currentDatabaseFiles } from '#db/database-files.ts';
import type { ImageOffer } from '#db/image/image-offer.ts';
import { makeImage } from '#db/image/make-image.ts';
import { ImageIntake } from '#db/image/take-image.ts';
import { systemFiles } from '#io/file-system.ts';
import { execute, resultsText, temporaryFolder, type Written, writerIn } from '../support.ts';
import {
  bytesOf,
  cluster,
  filledWriter,
  imageOf,
  leftIn,
  member,
  refusalOf,
  take,
} from './support.ts';

const rows: readonly Written[] = [
  'CREATE TABLE names (name TEXT)',
  ...Array.from({ length: 50 }, (_, at): Written => ['INSERT INTO names VALUES (?)', `name ${at}`]),
  'DELETE FROM names WHERE rowid % 7 = 0',
];

const select = (folder: string, sql: string): readonly unknown[] => {
  const database = new Database(currentDatabaseFiles(folder, systemFiles).database, {
    readonly: true,
  });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
};

test('an image that was taken in and made current holds what its origin held, rowids included', async (t) => {
  const [origin, follower] = [temporaryFolder(t), temporaryFolder(t)];
  const writer = filledWriter(t, origin, rows);
  const image = await imageOf(t, origin);
  assert.deepEqual(leftIn(origin)['images'], []);
  filledWriter(t, follower).close();
  const taken = await take(follower, image.offer, bytesOf(image));
  assert.deepEqual(taken.membership.voters, ['n1', 'n2']);
  const record = decodeClusterRecord(Buffer.from(taken.clusterRecord, 'base64'));
  assert.deepEqual(record.members, [member]);
  assert.equal(taken.index, writer.state.appliedIndex);

  const adopted = writerIn(t, follower, { cluster, generation: taken.generation });
  assert.deepEqual(adopted.state, writer.state);
  const sql = 'SELECT rowid, name FROM names ORDER BY rowid';
  assert.deepEqual(select(follower, sql), select(origin, sql));
  const insert: Written = "INSERT INTO names VALUES ('next')";
  assert.equal(resultsText(execute(adopted, [insert])), resultsText(execute(writer, [insert])));

  assert.deepEqual(leftIn(follower)['db'], ['00000001', 'CURRENT', taken.generation]);
  adopted.removeLeftovers(false);
  assert.deepEqual(leftIn(follower), {
    images: [],
    incoming: [],
    db: ['CURRENT', taken.generation],
  });
});

test('a node that took an image in knows what was sent before: a repetition applies nothing there', async (t) => {
  const [origin, follower] = [temporaryFolder(t), temporaryFolder(t)];
  const writer = filledWriter(t, origin, rows);
  const insert: Written = ['INSERT INTO names VALUES (?) RETURNING rowid', 'once'];
  execute(writer, [insert], { key: 'k' });
  const image = await imageOf(t, origin);
  filledWriter(t, follower).close();
  const taken = await take(follower, image.offer, bytesOf(image));
  const adopted = writerIn(t, follower, { cluster, generation: taken.generation });
  const [here, there] = [writer, adopted].map((one) => execute(one, [insert], { key: 'k' }));
  assert.equal(here?.kind, 'repeated');
  assert.deepEqual(there, here);
  assert.equal(resultsText(execute(adopted, [insert], { key: 'k2' })).includes('52'), true);
});

test('what is written while an image is made is not in it, and the writer does not wait for it', async (t) => {
  const folder = temporaryFolder(t);
  const writer = filledWriter(t, folder, ['CREATE TABLE bulk (id INTEGER PRIMARY KEY, data BLOB)']);
  for (let at = 0; at < 40; at++) {
    execute(writer, [['INSERT INTO bulk (data) VALUES (zeroblob(?))', 400_000]]);
  }
  const before = writer.state.appliedIndex;
  let made = false;
  const making = imageOf(t, folder).finally(() => {
    made = true;
  });
  let during = 0;
  while (!made) {
    execute(writer, ["INSERT INTO bulk (data) VALUES ('x')"]);
    writer.maintain();
    during += 1;
    await new Promise(setImmediate);
  }
  const { offer } = await making;
  // The first of these came before the process had begun to read.
  assert.ok(during > 10, `only ${during} writes`);
  assert.ok(offer.index >= before && offer.index < writer.state.appliedIndex, `${offer.index}`);
});

test('a schema of everything that users may make passes the check of an image', async (t) => {
  const [origin, follower] = [temporaryFolder(t), temporaryFolder(t)];
  filledWriter(t, origin, [
    "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT NOT NULL DEFAULT (datetime('now')), y INT CHECK (y > 0), z GENERATED ALWAYS AS (y * 2) STORED)",
    'CREATE TABLE b (k TEXT PRIMARY KEY, v REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID',
    'CREATE TABLE c (s ANY) STRICT',
    'CREATE UNIQUE INDEX a_y ON a (y) WHERE y IS NOT NULL',
    'CREATE INDEX a_lower ON a (lower(x))',
    'CREATE VIEW v AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n',
    'CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO c VALUES (new.x); SELECT RAISE(IGNORE) WHERE new.y > 9; END',
    'CREATE VIRTUAL TABLE f USING fts5(body)',
    "INSERT INTO f VALUES ('hello world')",
    'CREATE VIRTUAL TABLE r USING rtree(id, x1, x2)',
    'ALTER TABLE c RENAME TO "c 2"',
    'CREATE TABLE copied AS SELECT y, x FROM a',
    'CREATE VIEW lost AS SELECT * FROM not_there_yet',
    'ANALYZE',
  ]);
  const image = await imageOf(t, origin);
  filledWriter(t, follower).close();
  const { active } = await take(follower, image.offer, bytesOf(image));
  assert.deepEqual([...active].sort(), ['table f', 'table r', 'trigger t', 'view lost', 'view v']);
});

interface Spoilt {
  readonly offer?: (offer: ImageOffer) => ImageOffer;
  readonly bytes?: (bytes: Buffer) => Buffer;
  /** Changes the database file in the image; digest and sizes follow. */
  readonly database?: (bytes: Buffer) => Buffer;
  /** The same with SQL. */
  readonly sql?: string;
  readonly reason: RegExp;
}

const flipped = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 0x55;
  return changed;
};

const offerOf = (offer: ImageOffer, database: Buffer): { offer: ImageOffer; bytes: Buffer } => {
  const bytes = zstdCompressSync(database);
  const digest = createHash('sha256').update(bytes).digest('hex');
  return { offer: { ...offer, bytes: bytes.length, rawBytes: database.length, digest }, bytes };
};

const changedBySql = (folder: string, bytes: Buffer, sql: string): Buffer => {
  const path = join(folder, 'changed.sqlite');
  systemFiles.create(path).close();
  const file = systemFiles.open(path, 'write');
  file.write([bytes], 0);
  file.close();
  const database = new Database(path);
  database.unsafeMode(true);
  database.exec(`PRAGMA writable_schema = ON; ${sql}`);
  database.close();
  const changed = readFileSync(path);
  systemFiles.remove(path);
  return changed;
};

const spoilt: Readonly<Record<string, Spoilt>> = {
  'a flipped bit': { bytes: (bytes) => flipped(bytes, bytes.length >> 1), reason: /digest/ },
  'a byte too few': { bytes: (bytes) => bytes.subarray(1), reason: /shorter than announced/ },
  'a byte too many': {
    bytes: (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
    reason: /longer than announced/,
  },
  'another digest': {
    offer: (offer) => ({ ...offer, digest: '0'.repeat(64) }),
    reason: /digest/,
  },
  'another index': { offer: (offer) => ({ ...offer, index: offer.index + 1 }), reason: /ends at/ },
  'another term': { offer: (offer) => ({ ...offer, term: 2 }), reason: /ends at entry/ },
  'more in it than announced (FRM-12)': {
    offer: (offer) => ({ ...offer, rawBytes: offer.rawBytes - 1 }),
    reason: /unpacks to more/,
  },
  'less in it than announced': {
    offer: (offer) => ({ ...offer, rawBytes: offer.rawBytes + 1 }),
    reason: /unpacks to less/,
  },
  'more than the disk has room for': {
    offer: (offer) => ({ ...offer, rawBytes: 2 ** 50 }),
    reason: /disk_full/,
  },
  'no zstd': {
    bytes: () => Buffer.from('hello'),
    offer: (offer) => ({
      ...offer,
      bytes: 5,
      digest: createHash('sha256').update('hello').digest('hex'),
    }),
    reason: /cannot be unpacked/,
  },
  'no database': { database: () => Buffer.alloc(8192), reason: /no database/ },
  'a database without its end': {
    database: (bytes) => bytes.subarray(0, bytes.length - 4096),
    reason: /header says/,
  },
  'a database that misses its write-ahead log': {
    database: (bytes) => {
      const changed = Buffer.from(bytes);
      changed[18] = 2;
      changed[19] = 2;
      return changed;
    },
    reason: /not complete by itself/,
  },
  'damaged pages': {
    database: (bytes) => {
      const changed = Buffer.from(bytes);
      changed.fill(0x55, 4096 + 8, 8192);
      return changed;
    },
    reason: /damaged|SQLite says/,
  },
  'the data of another cluster': {
    sql: "UPDATE _stockade_values SET value = 'x' WHERE name = 'cluster'",
    reason: /another cluster/,
  },
  'another format': {
    sql: "UPDATE _stockade_values SET value = 99 WHERE name = 'format'",
    reason: /format 99/,
  },
  'no configuration': {
    sql: "DELETE FROM _stockade_values WHERE name = 'configuration'",
    reason: /names no voters/,
  },
  'a view in the place of an own table': {
    sql: 'DROP TABLE _stockade_meta; CREATE VIEW _stockade_meta AS SELECT 0, 9 AS applied_index, 1 AS applied_term',
    reason: /no database of this program/,
  },
  'a trigger that writes to an own table': {
    sql: 'CREATE TRIGGER evil AFTER INSERT ON names BEGIN UPDATE _stockade_meta SET applied_index = 9; END',
    reason: /holds evil, which the guard refuses/,
  },
  'a default that differs between nodes': {
    sql: 'CREATE TABLE evil (x DEFAULT (fts5_source_id()))',
    reason: /holds evil, which the guard refuses/,
  },
};

const unchanged = async (t: TestContext, { offer, bytes, database, sql, reason }: Spoilt) => {
  const [origin, follower] = [temporaryFolder(t), temporaryFolder(t)];
  filledWriter(t, origin, rows).close();
  filledWriter(t, follower, ['CREATE TABLE own (x)']).close();
  const before = readFileSync(currentDatabaseFiles(follower, systemFiles).database);
  const image = await imageOf(t, origin);
  let sent = { offer: image.offer, bytes: bytesOf(image) };
  if (database !== undefined) {
    sent = offerOf(sent.offer, database(zstdDecompressSync(sent.bytes)));
  }
  if (sql !== undefined) {
    const changed = changedBySql(origin, zstdDecompressSync(sent.bytes), sql);
    sent = offerOf(sent.offer, changed);
  }
  const refusal = await refusalOf(
    take(follower, offer?.(sent.offer) ?? sent.offer, bytes?.(sent.bytes) ?? sent.bytes),
  );
  assert.match(refusal, reason);
  assert.deepEqual(leftIn(follower), { images: [], incoming: [], db: ['00000001', 'CURRENT'] });
  assert.deepEqual(readFileSync(currentDatabaseFiles(follower, systemFiles).database), before);
  // And the next good one is taken.
  assert.equal(await refusalOf(take(follower, image.offer, bytesOf(image))), 'taken');
};

for (const [what, spoiltImage] of Object.entries(spoilt)) {
  test(`FRM-10 an image with ${what} is refused, the old state stays, nothing is left over`, (t) =>
    unchanged(t, spoiltImage));
}

test('an image that is given up half way leaves nothing, one that is discarded neither', async (t) => {
  const [origin, follower] = [temporaryFolder(t), temporaryFolder(t)];
  filledWriter(t, origin, rows).close();
  filledWriter(t, follower).close();
  const image = await imageOf(t, origin);
  const bytes = bytesOf(image);
  const options = { dataFolder: follower, offer: image.offer, cluster, files: systemFiles };
  const given = ImageIntake.open(options);
  given.write(bytes.subarray(0, 100));
  given.clear();
  const intake = ImageIntake.open(options);
  intake.write(bytes);
  const { generation } = await intake.finish();
  assert.deepEqual(leftIn(follower)['db'], ['00000001', 'CURRENT', generation]);
  intake.discard();
  assert.deepEqual(leftIn(follower), { images: [], incoming: [], db: ['00000001', 'CURRENT'] });
});

test('no image is made where the disk has no room for it', async (t) => {
  const folder = temporaryFolder(t);
  filledWriter(t, folder, rows).close();
  const { bsize } = statfsSync(folder);
  const full = { ...systemFiles, space: () => ({ freeBytes: bsize, totalBytes: 2 ** 40 }) };
  const made = makeImage({ dataFolder: folder, files: full, nowMs: () => 0 });
  assert.match(await refusalOf(made), /disk_full/);
  assert.deepEqual(leftIn(folder)['images'], []);
});

test('a database of another cluster is not opened', (t) => {
  const [mine, other] = [temporaryFolder(t), temporaryFolder(t)];
  filledWriter(t, mine).close();
  writerIn(t, other, { cluster: 'f'.repeat(32) }).close();
  const [from, to] = [mine, other].map((folder) => currentDatabaseFiles(folder, systemFiles));
  copyFileSync(from?.database ?? '', to?.database ?? '');
  assert.throws(() => writerIn(t, other, { cluster: 'f'.repeat(32) }), /another cluster/);
});

// The writer on real SQLite: what commands become, index and outcome in one transaction.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { encodeConfiguration } from '#command/configuration-codec.ts';
import { noClusterRecord } from '#command/member.ts';
import { renderBits } from '#command/outcome.ts';
import type { CommittedEntry } from '#db/writer.ts';
import { CodedError } from '#errors.ts';
import { InvariantError } from '#invariant.ts';
import {
  commandEntry,
  execute,
  executed,
  queried,
  readerIn,
  temporaryFolder,
  writerIn,
} from './support.ts';

const databaseIn = (folder: string): string => join(folder, 'db', '00000001', 'state.sqlite');

const coded = (code: string) => (error: unknown) =>
  error instanceof CodedError && error.code === code && error.details.hint !== undefined;

test('a second writer on the same folder is refused until the first one closes', (t) => {
  const folder = temporaryFolder(t);
  const first = writerIn(t, folder);
  assert.throws(() => writerIn(t, folder), coded('data_folder_in_use'));
  executed(first, ['CREATE TABLE t(a)']);
  first.close();
  assert.equal(writerIn(t, folder).state.appliedIndex, 1);
});

test('folders and files are for their owner alone, also those that SQLite makes', (t) => {
  const folder = join(temporaryFolder(t), 'data');
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a)']);
  const mode = (path: string): number => statSync(join(folder, path)).mode & 0o777;
  for (const path of ['', 'db', 'db/00000001']) assert.equal(mode(path), 0o700, path);
  const state = 'db/00000001/state.sqlite';
  for (const path of ['lock.sqlite', 'db/CURRENT', state, `${state}-wal`, `${state}-shm`]) {
    assert.equal(mode(path), 0o600, path);
  }
});

test('a data folder that others can enter is refused', (t) => {
  const folder = join(temporaryFolder(t), 'data');
  mkdirSync(folder, { mode: 0o755 });
  assert.throws(() => writerIn(t, folder), coded('file_permissions'));
});

test('a CURRENT that names no generation and a database of another format are refused', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  writer.close();
  const database = new Database(databaseIn(folder));
  database.exec("UPDATE _stockade_values SET value = 3 WHERE name = 'format'");
  database.close();
  assert.throws(() => writerIn(t, folder), coded('data_folder_foreign'));
  writeFileSync(join(folder, 'db', 'CURRENT'), '../elsewhere\n');
  assert.throws(() => writerIn(t, folder), coded('data_folder_foreign'));
});

test('state says what was applied, and still does after a restart', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  assert.deepEqual(writer.state.membership.voters, []);
  const clusterRecord = encodeClusterRecord({
    ...noClusterRecord,
    members: [
      { name: 'a', storeId: 's1', keyPin: 'ab', peerAddress: 'h:1', apiUrl: 'https://h:2' },
    ],
  });
  const configuration: CommittedEntry = {
    index: 1,
    term: 3,
    kind: 'configuration',
    data: encodeConfiguration({
      voters: ['a', 'b'],
      votersOutgoing: ['a'],
      learners: ['c'],
      learnersNext: [],
      autoLeave: true,
      context: clusterRecord,
    }),
    render: 0,
  };
  const barrier: CommittedEntry = {
    index: 2,
    term: 4,
    kind: 'barrier',
    data: Buffer.alloc(0),
    render: 0,
  };
  const table = commandEntry(3, ['CREATE TABLE t(a)'], { timeMs: 1234 });
  const batch = writer.apply([configuration, barrier, table]);
  assert.deepEqual(
    {
      ...batch,
      outcomeChain: batch.outcomeChain.length,
      outcomes: batch.outcomes.map(({ index }) => index),
    },
    {
      outcomeChain: 32,
      appliedIndex: 3,
      appliedTerm: 1,
      schemaIndex: 3,
      marks: [],
      outcomes: [3],
      replaced: false,
    },
  );
  const expected = {
    appliedIndex: 3,
    appliedTerm: 1,
    schemaIndex: 3,
    outcomeChain: batch.outcomeChain,
    timeMs: 1234,
    membership: {
      voters: ['a', 'b'],
      votersOutgoing: ['a'],
      learners: ['c'],
      learnersNext: [],
      autoLeave: true,
    },
    clusterRecord: clusterRecord.toString('base64'),
  };
  assert.deepEqual(writer.state, expected);
  writer.close();
  assert.deepEqual(writerIn(t, folder).state, expected);
});

test('an entry out of order stops the writer and changes nothing', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a)']);
  for (const index of [1, 3]) {
    const entry = commandEntry(index, ['INSERT INTO t VALUES(1)'], { schemaIndex: 1 });
    assert.throws(() => writer.apply([entry]), InvariantError);
  }
  writer.close();
  assert.equal(writerIn(t, folder).state.appliedIndex, 1);
});

test('a writer whose file was taken over stops before it writes', (t) => {
  const folder = temporaryFolder(t);
  const orphan = writerIn(t, folder);
  executed(orphan, ['CREATE TABLE t(a)']);
  // What a new writer does first, in its own transaction.
  const successor = new Database(databaseIn(folder));
  successor.exec("UPDATE _stockade_values SET value = value + 1 WHERE name = 'epoch'");
  const entry = commandEntry(2, ['INSERT INTO t VALUES(1)'], { schemaIndex: 1 });
  assert.throws(() => orphan.apply([entry]), InvariantError);
  assert.equal(successor.prepare('SELECT count(*) FROM t').pluck().get(), 0);
  successor.close();
});

test('each start of a writer raises the epoch', (t) => {
  const folder = temporaryFolder(t);
  writerIn(t, folder).close();
  writerIn(t, folder).close();
  const database = new Database(databaseIn(folder), { readonly: true });
  const epoch = database.prepare("SELECT value FROM _stockade_values WHERE name = 'epoch'");
  assert.equal(epoch.pluck().get(), 2);
  database.close();
});

test('without a transaction a failing statement leaves an error and the later ones run', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, ['CREATE TABLE t(id INTEGER PRIMARY KEY)']);
  assert.equal(
    executed(writer, [
      'INSERT INTO t VALUES(1)',
      'INSERT INTO t VALUES(1)',
      'INSERT INTO t VALUES(2)',
    ]),
    '[{"last_insert_id":1,"rows_affected":1},{"error":"UNIQUE constraint failed: t.id"},{"last_insert_id":2,"rows_affected":1}]',
  );
});

test('with a transaction a failing statement undoes the others, and those behind it do not run', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(id INTEGER PRIMARY KEY)', 'INSERT INTO t VALUES(1)']);
  for (const second of ['INSERT INTO t VALUES(1)', 'INSERT OR FAIL INTO t VALUES(7), (1)']) {
    assert.equal(
      executed(writer, ['INSERT INTO t VALUES(5)', second, 'INSERT INTO t VALUES(6)'], {
        transaction: true,
      }),
      '[{"last_insert_id":5,"rows_affected":1},{"error":"UNIQUE constraint failed: t.id"}]',
    );
  }
  assert.match(queried(readerIn(t, folder), ['SELECT id FROM t']), /"values":\[\[1\]\]/);
});

test('the schema of a transaction that failed is undone, and the schema index stays', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  const statements = ['CREATE TABLE t(a)', 'INSERT INTO t VALUES(1)', 'nonsense'];
  assert.match(executed(writer, statements, { transaction: true }), /^\[\{\},\{"last/);
  assert.equal(writer.state.schemaIndex, 0);
  assert.equal(executed(writer, ['DROP TABLE t']), '[{"error":"no such table: t"}]');
});

test('a command judged under another schema is a recorded refusal, nothing is executed', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, ['CREATE TABLE t(a)']);
  const stale = execute(writer, ['INSERT INTO t VALUES(1)', 'DROP TABLE t'], { schemaIndex: 0 });
  assert.deepEqual(stale, { kind: 'schema-changed', schemaIndex: 1 });
  const data = execute(writer, ['INSERT INTO t VALUES(1)'], { schemaIndex: 0 });
  assert.deepEqual(data, { kind: 'schema-changed', schemaIndex: 1 });
  assert.equal(writer.state.appliedIndex, 3);
  assert.match(executed(writer, ['SELECT count(*) FROM t'], { render: 17 }), /\[\[0\]\]/);
});

test('a COMMIT that fails is the result of its command, which leaves nothing behind', (t) => {
  const writer = writerIn(t, temporaryFolder(t), { foreignKeys: true });
  executed(writer, [
    'CREATE TABLE p(id INTEGER PRIMARY KEY)',
    'CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)',
  ]);
  const statements = ['INSERT INTO p VALUES(1)', 'INSERT INTO c VALUES(99)'];
  assert.equal(
    executed(writer, statements, { transaction: true }),
    '[] error: FOREIGN KEY constraint failed',
  );
  // Without a transaction only the statement that cannot be committed fails.
  assert.equal(
    executed(writer, [...statements, 'INSERT INTO c VALUES(1)']),
    '[{"last_insert_id":1,"rows_affected":1},{"error":"FOREIGN KEY constraint failed"},{"last_insert_id":1,"rows_affected":1}]',
  );
  assert.equal(writer.state.appliedIndex, 3);
});

test('a statement that rolls its transaction back takes nothing else along', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, [
    'CREATE TABLE t(a)',
    "CREATE TRIGGER g BEFORE INSERT ON t WHEN new.a = 7 BEGIN SELECT RAISE(ROLLBACK, 'seven'); END",
  ]);
  const { schemaIndex } = writer.state;
  const entries = [1, 7, 2].map((value, at) =>
    commandEntry(at + 2, [`INSERT INTO t VALUES(${value})`], { schemaIndex, render: 0 }),
  );
  writer.apply(entries);
  assert.match(executed(writer, ['SELECT a FROM t'], { render: 17 }), /\[\[1\],\[2\]\]/);
});

test('foreign keys are enforced only when the setting says so', (t) => {
  const statements = [
    'CREATE TABLE p(id INTEGER PRIMARY KEY)',
    'CREATE TABLE c(p REFERENCES p(id))',
  ];
  const off = writerIn(t, temporaryFolder(t));
  executed(off, statements);
  assert.match(executed(off, ['INSERT INTO c VALUES(9)']), /rows_affected/);
  const on = writerIn(t, temporaryFolder(t), { foreignKeys: true });
  executed(on, statements);
  assert.match(executed(on, ['INSERT INTO c VALUES(9)']), /FOREIGN KEY constraint failed/);
});

test('several statements in one text run in order to the first error; the last one is the result', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  assert.equal(
    executed(writer, ['CREATE TABLE t(a); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2),(3)']),
    '[{"last_insert_id":3,"rows_affected":2}]',
  );
  assert.equal(
    executed(writer, [
      'INSERT INTO t VALUES(4); INSERT INTO nope VALUES(1); INSERT INTO t VALUES(5)',
    ]),
    '[{"error":"no such table: nope"}]',
  );
  assert.equal(
    executed(writer, [['INSERT INTO t VALUES(?); INSERT INTO t VALUES(?)', 10n, 11n]]),
    '[{"last_insert_id":6,"rows_affected":1}]',
  );
  assert.equal(
    executed(writer, [['INSERT INTO t VALUES(?); INSERT INTO t VALUES(?)', 12n]]),
    '[{"error":"not enough args to execute query: want 1 got 1"}]',
  );
  assert.match(
    executed(writer, ['SELECT a FROM t'], { render: 17 }),
    /\[\[1\],\[2\],\[3\],\[4\],\[10\],\[11\],\[12\]\]/,
  );
});

test('rows beyond a bound are an error in the result; the write stands', (t) => {
  const writer = writerIn(t, temporaryFolder(t), { rowsMax: 2 });
  executed(writer, ['CREATE TABLE t(a)']);
  assert.match(
    executed(writer, ['INSERT INTO t VALUES(1),(2),(3) RETURNING a']),
    /^\[\{"error":"result too large: more than 2 rows"\}\]$/,
  );
  assert.match(executed(writer, ['SELECT count(*) FROM t'], { render: 17 }), /\[\[3\]\]/);
  const small = writerIn(t, temporaryFolder(t), { bytesMax: 20 });
  assert.equal(
    executed(small, ["SELECT 'a text of more than twenty bytes'"], { render: 17 }),
    '[{"error":"result too large: more than 20 bytes"}]',
  );
  // The bound is for the results of the command together.
  const two = writerIn(t, temporaryFolder(t), { bytesMax: 80 });
  assert.equal(
    executed(two, ["SELECT 'ü' AS a", "SELECT 'üü' AS b"], { render: 17 }),
    '[{"columns":["a"],"types":["text"],"values":[["ü"]]},{"error":"result too large: more than 28 bytes"}]',
  );
});

test('an outcome tells the time it took, and only those are made that somebody waits for', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  const outcome = execute(writer, ['CREATE TABLE t(a)'], {
    render: renderBits.wanted | renderBits.timings,
  });
  assert.ok(outcome.kind === 'results' && outcome.microseconds > 0);
  const entry = commandEntry(2, ['INSERT INTO t VALUES(1)'], { schemaIndex: 1, render: 0 });
  assert.deepEqual(writer.apply([entry]).outcomes, []);
});

test('what durableIndex reports is in the files: a copy of them holds it', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a)', 'INSERT INTO t VALUES(1)']);
  assert.equal(writer.durableIndex(), 1);
  const copy = join(temporaryFolder(t), 'state.sqlite');
  for (const suffix of ['', '-wal']) copyFileSync(databaseIn(folder) + suffix, copy + suffix);
  const database = new Database(copy);
  assert.equal(database.prepare('SELECT applied_index FROM _stockade_meta').pluck().get(), 1);
  database.close();
});

test('a database of format 1 is brought to format 2 with all that it says of itself', (t) => {
  const folder = temporaryFolder(t);
  const first = writerIn(t, folder);
  executed(first, ['CREATE TABLE t(a)', "INSERT INTO t VALUES('x')"]);
  const before = first.state;
  first.close();
  const old = new Database(databaseIn(folder));
  old.exec(`
    ALTER TABLE _stockade_meta RENAME TO new_meta;
    CREATE TABLE _stockade_meta (key INTEGER PRIMARY KEY CHECK (key = 0),
      applied_index INTEGER NOT NULL, applied_term INTEGER NOT NULL) STRICT;
    CREATE TABLE _stockade_state (key INTEGER PRIMARY KEY CHECK (key = 0), time_ms INTEGER NOT NULL,
      schema_index INTEGER NOT NULL, chain BLOB NOT NULL, statements_done INTEGER NOT NULL,
      pending BLOB NOT NULL) STRICT;
    INSERT INTO _stockade_meta SELECT key, applied_index, applied_term FROM new_meta;
    INSERT INTO _stockade_state
      SELECT key, time_ms, schema_index, chain, statements_done, pending FROM new_meta;
    DROP TABLE new_meta;
    UPDATE _stockade_values SET value = 1 WHERE name = 'format';`);
  old.close();
  const second = writerIn(t, folder);
  assert.deepEqual(second.state, before);
  const names = new Database(databaseIn(folder), { readonly: true })
    .prepare("SELECT name FROM sqlite_schema WHERE name GLOB '_stockade_*' ORDER BY name")
    .pluck()
    .all();
  assert.deepEqual(names, [
    '_stockade_kept',
    '_stockade_load',
    '_stockade_meta',
    '_stockade_transactions',
    '_stockade_values',
  ]);
  assert.equal(execute(second, ["INSERT INTO t VALUES('y')"]).kind, 'results');
});

test('a large WAL is written back between batches, a small one is left', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  const pages = (): number => statSync(databaseIn(folder)).size;
  const before = pages();
  executed(writer, ['CREATE TABLE t(a)']);
  writer.maintain();
  assert.equal(pages(), before);
  executed(writer, ['INSERT INTO t VALUES(zeroblob(40000000))']);
  writer.maintain();
  assert.ok(pages() > 40_000_000);
});

test('a WAL that was written back begins anew, and the batches behind it cost no checkpoint', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a)', 'INSERT INTO t VALUES(zeroblob(40000000))']);
  writer.maintain();
  executed(writer, ['INSERT INTO t VALUES(1)']);
  const log = `${databaseIn(folder)}-wal`;
  assert.ok(statSync(log).size < 32 * 1024 * 1024);
  const { mtimeMs } = statSync(databaseIn(folder));
  for (let count = 0; count < 100; count++) {
    executed(writer, ['INSERT INTO t VALUES(2)']);
    writer.maintain();
  }
  assert.equal(statSync(databaseIn(folder)).mtimeMs, mtimeMs);
});

test('a rehearsal runs a command and leaves no trace of it, whatever it does', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE ON CONFLICT ROLLBACK)',
    'INSERT INTO t(a) VALUES(1)',
  ]);
  const before = writer.state;
  const commands = [
    ['INSERT INTO t(a) VALUES(2)', 'UPDATE t SET a = a + 10'],
    ['INSERT INTO t(a) VALUES(3), (1)'],
    // The second ends the transaction, the third must not stand for itself.
    ['INSERT INTO t(a) VALUES(2)', 'INSERT INTO t(a) VALUES(1)', 'INSERT INTO t(a) VALUES(5)'],
    ['INSERT INTO t(a) VALUES(1); INSERT INTO t(a) VALUES(5)', 'DELETE FROM t', 'ANALYZE'],
    ['nonsense', 'DROP TABLE t', 'CREATE TABLE u(a)', 'INSERT INTO u VALUES(1)'],
    ['INSERT INTO t(id) VALUES(9223372036854775807)'],
  ];
  for (const statements of commands) {
    for (const transaction of [true, false]) {
      writer.rehearse(commandEntry(2, statements, { transaction, schemaIndex: 1 }).data);
      assert.deepEqual(writer.state, before);
    }
  }
  assert.equal(
    queried(readerIn(t, folder), [
      'SELECT id, a FROM t',
      'SELECT count(*) AS n FROM sqlite_schema',
    ]),
    '[{"columns":["id","a"],"types":["integer","integer"],"values":[[1,1]]},{"columns":["n"],"types":["integer"],"values":[[2]]}]',
  );
  assert.equal(
    executed(writer, ['INSERT INTO t(a) VALUES(2)']),
    '[{"last_insert_id":2,"rows_affected":1}]',
  );
});

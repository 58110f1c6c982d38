// Poison: writes that would stop every node, sent to a real server. Each is refused before the log,
// and meanwhile another user's writes go on. `STOCKADE_POISON_ROUNDS=N` goes through all N times.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { hashPassword } from '#auth/password.ts';
import { Cluster, eventually } from './cluster.ts';

const password = 'a password of the tests';

/** A user for each row: whoever had a write killed waits, and would not be tried again. */
const addUsers = async (cluster: Cluster, count: number): Promise<void> => {
  const hash = hashPassword(password, 10);
  const file = JSON.parse(readFileSync(cluster.file.auth, 'utf8')) as unknown[];
  for (let at = 0; at < count; at += 1) {
    file.push({ username: `eve${at}`, password: hash, perms: ['all'] });
  }
  writeFileSync(cluster.file.auth, JSON.stringify(file));
  for (const { pid } of cluster.file.nodes) process.kill(pid, 'SIGHUP');
  const user = { name: 'eve0', password };
  await eventually('the users are known', async () => {
    return (await cluster.ask(0, '/whoami', { user })).status === 200;
  });
};

const rounds = Number(process.env['STOCKADE_POISON_ROUNDS'] ?? '1');

const endless = 'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c)';

const nestedViews = Array.from({ length: 14 }, (_, at) =>
  at === 0
    ? 'CREATE VIEW v0 AS SELECT a.n FROM numbers a, numbers b'
    : `CREATE VIEW v${at} AS SELECT a.n FROM v${at - 1} a, v${at - 1} b`,
);

const unionViews = Array.from({ length: 15 }, (_, at) =>
  at === 0
    ? 'CREATE VIEW w0 AS SELECT n FROM numbers'
    : `CREATE VIEW w${at} AS SELECT n FROM w${at - 1} UNION SELECT n + 1 FROM w${at - 1}`,
);

/** Requests that never end or take for ever. */
const poison: readonly (readonly [row: string, ...statements: readonly string[]])[] = [
  ['a recursion that inserts', `INSERT INTO sink ${endless} SELECT x FROM c`],
  ['a recursion that selects nothing', `INSERT INTO sink ${endless} SELECT x FROM c WHERE x < 0`],
  ['a recursion in front', `${endless} INSERT INTO sink SELECT x FROM c`],
  ['a recursion in DELETE', `DELETE FROM numbers WHERE n IN (${endless} SELECT x FROM c)`],
  [
    'a recursion in EXISTS',
    `DELETE FROM numbers WHERE EXISTS (${endless} SELECT 1 FROM c WHERE x < 0)`,
  ],
  ['a recursion in UPDATE', `UPDATE numbers SET n = (${endless} SELECT count(*) FROM c)`],
  ['a recursion in CREATE TABLE AS', `CREATE TABLE x AS ${endless} SELECT x FROM c`],
  [
    'a recursion in an upsert',
    `INSERT INTO numbers VALUES (1) ON CONFLICT DO UPDATE SET n = (${endless} SELECT max(x) FROM c)`,
  ],
  [
    'a recursion in RETURNING',
    `INSERT INTO sink VALUES (1) RETURNING (${endless} SELECT count(*) FROM c)`,
  ],
  ['a recursion behind a view', 'INSERT INTO sink SELECT x FROM forever'],
  ['a recursion behind a trigger', 'INSERT INTO trap VALUES (1)'],
  [
    'a cross join of four',
    'INSERT INTO sink SELECT a.n FROM numbers a, numbers b, numbers c, numbers d WHERE a.n + b.n + c.n + d.n = -1',
  ],
  [
    'a cross join in UPDATE FROM',
    'UPDATE good SET v = 1 FROM numbers a, numbers b, numbers c, numbers d WHERE a.n + b.n + c.n + d.n = -1',
  ],
  [
    'a cross join in a subquery',
    'DELETE FROM numbers WHERE n = -(SELECT count(*) FROM numbers a, numbers b, numbers c)',
  ],
  ['views upon views', ...nestedViews, 'INSERT INTO sink SELECT n FROM v13'],
  ['unions upon unions', ...unionViews, 'INSERT INTO sink SELECT count(*) FROM w14'],
  [
    'a sort of very much',
    'INSERT INTO sink SELECT a.n FROM numbers a, numbers b, numbers c ORDER BY random() LIMIT 1',
  ],
  [
    'a group of very much',
    'INSERT INTO sink SELECT length(json_group_array(a.n)) FROM numbers a, numbers b, numbers c',
  ],
  ['a large blob in hexadecimal', 'INSERT INTO sink VALUES (length(hex(zeroblob(250000000))))'],
  [
    'large blobs',
    `INSERT INTO sink VALUES ${Array.from({ length: 12 }, () => '(length(hex(randomblob(200000000))))').join(', ')}`,
  ],
  [
    'a wide number',
    `INSERT INTO sink VALUES ${Array.from({ length: 8 }, () => "(length(printf('%500000000d', 1)))").join(', ')}`,
  ],
  [
    'replace that multiplies',
    "INSERT INTO sink SELECT length(replace(hex(zeroblob(400000 + n)), '0', hex(zeroblob(250)))) FROM numbers",
  ],
  [
    'a recursion in a query beside a write',
    `${endless} SELECT count(*) FROM c`,
    'INSERT INTO sink VALUES (1)',
  ],
];

test('PILL-01..08 no write that stops nodes reaches the log, and others’ writes go on', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const rows = Array.from({ length: 1000 }, (_, at) => `(${at})`).join(',');
  await cluster.execute(0, [
    'CREATE TABLE numbers (n INTEGER PRIMARY KEY)',
    'CREATE TABLE sink (n)',
    'CREATE TABLE trap (n)',
    'CREATE TABLE good (n INTEGER PRIMARY KEY, v)',
    `INSERT INTO numbers VALUES ${rows}`,
    'INSERT INTO good (v) VALUES (1)',
    `CREATE VIEW forever AS ${endless} SELECT x FROM c`,
    `CREATE TRIGGER springs AFTER INSERT ON trap BEGIN INSERT INTO sink SELECT x FROM forever; END`,
  ]);

  await addUsers(cluster, rounds * poison.length);

  let stop = false;
  const waits: number[] = [];
  const others = (async () => {
    while (!stop) {
      const since = performance.now();
      await cluster.execute(0, ['INSERT INTO good (v) VALUES (1)']);
      waits.push(performance.now() - since);
    }
  })();
  const times: string[] = [];
  let worstMs = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, [row, ...statements]] of poison.entries()) {
      const user = { name: `eve${round * poison.length + at}`, password };
      // The password is checked once; how long that takes is no part of this.
      await cluster.ask(0, '/whoami', { user });
      const body = JSON.stringify(statements);
      let since = performance.now();
      let answer = await cluster.ask(0, '/db/request', { body, user });
      // The writer that the row before has cost is being replaced.
      while (answer.text.includes('"code":"not_ready"')) {
        since = performance.now();
        answer = await cluster.ask(0, '/db/request', { body, user });
      }
      const tookMs = performance.now() - since;
      worstMs = Math.max(worstMs, tookMs);
      times.push(`${Math.round(tookMs)} ${row}`);
      assert.notEqual(answer.status, 200, `${row}: ${answer.text}`);
      assert.match(answer.text, /"code":"(?:statement_too_expensive|timeout|storage_failed)"/, row);
      assert.match(answer.text, /"applied":"no"/, row);
    }
  }
  stop = true;
  await others;
  // Nothing but the others' writes came into the log: every table is as it was.
  assert.deepEqual(await cluster.query(0, 'SELECT count(*) FROM sink', 'strong'), [[0]]);
  assert.deepEqual(await cluster.query(0, 'SELECT count(*), total(v) FROM good', 'strong'), [
    [waits.length + 1, waits.length + 1],
  ]);
  waits.sort((a, b) => a - b);
  const p99 = waits[Math.floor(waits.length * 0.99)] ?? 0;
  t.diagnostic(`refused within ms: ${times.join(', ')}`);
  t.diagnostic(
    `worst ${Math.round(worstMs)} ms; ${waits.length} other writes, p99 ${Math.round(p99)} ms`,
  );
});

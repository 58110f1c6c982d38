// Interactive transactions in a real cluster of three: transfers between accounts through all nodes
// at once lose nothing, a statement that never ends stops nobody, a change of leaders ends what is
// open and says so, and a commit whose answer was lost is asked for at the next leader.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Answer } from './ask.ts';
import { Cluster, eventually } from './cluster.ts';

let cluster: Cluster;

before(async () => {
  cluster = await Cluster.start(3);
  await cluster.execute(0, [
    'CREATE TABLE account(id INTEGER PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0))',
    'CREATE TABLE transfer(id INTEGER PRIMARY KEY, source, target, cents)',
    'CREATE TABLE numbers(n INTEGER PRIMARY KEY)',
  ]);
  await cluster.execute(0, [
    "INSERT INTO account SELECT value, 1000 FROM json_each('[1,2,3,4]')",
    "INSERT INTO numbers(n) SELECT a.value * 64 + b.value FROM json_each('[0,1,2,3,4,5,6,7,8,9]') a, json_each('[0,1,2,3,4,5,6,7]') b",
  ]);
});

after(() => cluster.remove());

const open = async (at: number): Promise<string> => {
  const answer = await cluster.ask(at, '/db/transaction', { method: 'POST' });
  assert.equal(answer.status, 200, answer.text);
  return (answer.json as { readonly id: string }).id;
};

const run = (at: number, id: string, ...statements: readonly unknown[]): Promise<Answer> =>
  cluster.ask(at, `/db/transaction/${id}`, { body: JSON.stringify(statements) });

const commit = (at: number, id: string): Promise<Answer> =>
  cluster.ask(at, `/db/transaction/${id}/commit`, { method: 'POST' });

const codeOf = ({ json }: Answer): string | undefined => (json as { readonly code?: string }).code;

const centsIn = ({ json }: Answer): number => {
  const { results } = json as { readonly results: readonly { readonly values: number[][] }[] };
  return results[0]?.values[0]?.[0] ?? Number.NaN;
};

/** Reads both balances, computes here, writes what it computed: whatever is between is lost. */
const transfer = async (
  at: number,
  source: number,
  target: number,
): Promise<'done' | 'conflict'> => {
  const id = await open(at);
  const cents: number[] = [];
  for (const account of [source, target]) {
    const read = await run(at, id, ['SELECT cents FROM account WHERE id = ?', account]);
    if (codeOf(read) === 'transaction_conflict') return 'conflict';
    assert.equal(read.status, 200, read.text);
    cents.push(centsIn(read));
  }
  const [before = 0, beforeTarget = 0] = cents;
  const written = await run(
    at,
    id,
    ['UPDATE account SET cents = ? WHERE id = ?', before - 1, source],
    ['UPDATE account SET cents = ? WHERE id = ?', beforeTarget + 1, target],
    ['INSERT INTO transfer(source, target, cents) VALUES(?, ?, 1)', source, target],
  );
  if (codeOf(written) === 'transaction_conflict') return 'conflict';
  assert.equal(written.status, 200, written.text);
  const committed = await commit(at, id);
  if (codeOf(committed) === 'transaction_conflict') return 'conflict';
  assert.equal(committed.status, 200, committed.text);
  return 'done';
};

/** Of each of six clients. */
const transfersEach = 4;

test('transfers through all nodes at once lose no update, and all nodes end equal', async (t) => {
  let [conflicts, others] = [0, 0];
  let working = true;
  const ordinary = (async () => {
    while (working) {
      others += 1;
      await cluster.execute(1, [`INSERT OR REPLACE INTO numbers VALUES(${others % 50})`]);
    }
  })();
  const clients = [0, 1, 2, 0, 1, 2].map(async (at, client) => {
    for (let done = 0; done < transfersEach; ) {
      const source = 1 + ((client + done) % 4);
      const end = await transfer(at, source, 1 + (source % 4));
      if (end === 'done') done += 1;
      else conflicts += 1;
    }
  });
  await Promise.all(clients);
  working = false;
  await ordinary;
  const sums = `SELECT
    (SELECT sum(cents) FROM account), (SELECT count(*) FROM transfer),
    (SELECT count(*) FROM account AS a WHERE cents <> 1000
      + (SELECT count(*) FROM transfer WHERE target = a.id)
      - (SELECT count(*) FROM transfer WHERE source = a.id))`;
  const expected = [[4000, clients.length * transfersEach, 0]];
  for (const at of [0, 1, 2]) {
    assert.deepEqual(await cluster.query(at, sums, 'linearizable'), expected);
  }
  t.diagnostic(`${others} other writes, ${conflicts} conflicts`);
  assert.ok(others > 0 && conflicts > 0, `${others} other writes, ${conflicts} conflicts`);
  const checked = await cluster.ask(0, '/consistency?timeout=30s', { method: 'POST' });
  assert.equal(checked.status, 200, checked.text);
  assert.doesNotMatch(checked.text, /"differs"|"content_error":"[^"]/);
});

test('a change of leaders ends what is open, and a commit is answered by the next leader as by the last', async () => {
  const before = await eventually('a leader', () => cluster.leader());
  const [done, left] = [await open(before), await open(before)];
  for (const id of [done, left]) {
    const written = await run(before, id, 'INSERT INTO transfer(cents) VALUES(5)');
    assert.equal(written.status, 200, written.text);
  }
  const committed = await commit(before, done);
  assert.equal(committed.status, 200, committed.text);
  const handed = await cluster.ask(before, '/leader?wait', { method: 'POST' });
  assert.equal(handed.status, 200, handed.text);
  const leader = await eventually('another leader', async () => {
    const now = await cluster.leader(before);
    return now === before ? undefined : now;
  });
  for (const at of [before, leader]) {
    assert.equal((await commit(at, done)).text, committed.text);
    for (const answer of [await run(at, left, 'SELECT 1'), await commit(at, left)]) {
      assert.equal(answer.status, 409, answer.text);
      assert.match(answer.text, /"code":"transaction_ended".*"applied":"no"/);
    }
  }
  const rows = await cluster.query(
    leader,
    'SELECT count(*) FROM transfer WHERE cents = 5',
    'strong',
  );
  assert.deepEqual(rows, [[1]]);
});

/** More with `STOCKADE_TRANSACTION_KILLS=N`. */
const kills = Number(process.env['STOCKADE_TRANSACTION_KILLS'] ?? '1');

test('whatever becomes of leaders, a commit that is sent until it is answered is there once or not at all, as was said', async (t) => {
  await cluster.execute(0, [
    'CREATE TABLE done(id TEXT PRIMARY KEY)',
    'CREATE TABLE counter(n INTEGER)',
    'INSERT INTO counter VALUES(0)',
  ]);
  const committed: string[] = [];
  let [refusals, asked, working] = [0, 0, true];
  /** One transaction; undefined: its statements were refused. */
  const attempt = async (at: number, name: string): Promise<Answer | undefined> => {
    const id = await open(at);
    const read = await run(at, id, 'SELECT n FROM counter');
    if (read.status !== 200) return undefined;
    const next = centsIn(read) + 1;
    const statements = [
      ['UPDATE counter SET n = ?', next],
      ['INSERT INTO done VALUES(?)', name],
    ];
    if ((await run(at, id, ...statements)).status !== 200) return undefined;
    return eventually('what came of a commit', async () => {
      asked += 1;
      // By any node in turn: the one that was asked may be dead.
      const answer = await commit((at + asked) % 3, id).catch(() => undefined);
      return answer !== undefined && answer.status !== 429 && answer.status < 500 ? answer : false;
    });
  };
  const client = async (at: number): Promise<void> => {
    for (let number = 0; working; number++) {
      const name = `${at}-${number}`;
      const answer = await attempt(at, name).catch(() => undefined);
      if (answer?.status === 200) committed.push(name);
      else refusals += 1;
      if (answer !== undefined && answer.status !== 200) {
        assert.match(answer.text, /"code":"transaction_(?:conflict|ended)".*"applied":"no"/);
      }
    }
  };
  const clients = [0, 1, 2].map(client);
  for (let round = 0; round < kills; round++) {
    const before = committed.length;
    await eventually('commits', () => Promise.resolve(committed.length > before + 5));
    const leader = await eventually('a leader', async () => {
      const at = await cluster.leader(round % 3);
      return at === undefined ? undefined : { at };
    });
    process.kill(cluster.file.nodes[leader.at]?.pid ?? 0, 'SIGKILL');
    await eventually('another leader', async () => {
      const at = await cluster.leader((leader.at + 1) % 3);
      return at !== undefined && at !== leader.at;
    });
    await eventually('the killed node serves again', async () => {
      const answer = await cluster.ask(leader.at, '/readyz').catch(() => undefined);
      return answer?.status === 200;
    });
  }
  working = false;
  await Promise.all(clients);
  const rows = await cluster.query(0, 'SELECT id FROM done', 'strong');
  assert.deepEqual(rows.map(([id]) => String(id)).sort(), committed.sort());
  for (const at of [0, 1, 2]) {
    const counted = await cluster.query(at, 'SELECT n FROM counter', 'linearizable');
    assert.deepEqual(counted, [[committed.length]]);
  }
  t.diagnostic(`${committed.length} committed, ${refusals} refused, ${asked} commits asked`);
});

test('a statement that runs too long is killed, its transaction is over, and others write on', async () => {
  const id = await open(0);
  const long = `UPDATE numbers SET n = n WHERE 0 < (SELECT count(*) FROM ${Array.from(
    { length: 5 },
    (_, at) => `numbers AS n${at}`,
  ).join(', ')})`;
  const killed = run(0, id, long);
  for (let write = 0; write < 5; write++) {
    await cluster.execute(1, ['INSERT INTO transfer(cents) VALUES(0)']);
  }
  const answer = await killed;
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.text, /"code":"statement_too_expensive".*"applied":"no"/);
  await eventually('the transaction is over', async () => {
    const ended = await run(0, id, 'SELECT 1');
    return codeOf(ended) === 'transaction_ended';
  });
  await cluster.execute(1, ['INSERT INTO transfer(cents) VALUES(0)']);
});

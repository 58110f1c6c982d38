// A real cluster whose logs are short: a node that was away gets an image, whatever moment of it is
// cut short, and a disk that forgot what it promised gets none.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Cluster, eventually } from './cluster.ts';
import { ended, startNode } from './run-node.ts';

// A data folder that is copied is nobody else's either.
process.umask(0o077);

const mib = 1024 * 1024;

/** The shortest log that can be configured; a request below has about half a mebibyte. */
const shortLog = `raft:
  trailingEntries: 20
  trailingBytes: ${mib}
  segmentBytes: ${mib}
`;

const rowsPerRequest = 500;

/** About half a mebibyte, another one each time. */
const bulk = (round: number): readonly unknown[] =>
  Array.from({ length: rowsPerRequest }, (_, at) => [
    'INSERT INTO bulk (body) VALUES (?)',
    `${round} ${at} `.padEnd(1000, String.fromCharCode(97 + (round % 26))),
  ]);

const startCluster = async (t: TestContext): Promise<Cluster> => {
  const parent = mkdtempSync(join(tmpdir(), 'stockade-e2e-'));
  const first = await Cluster.start(3, ['--no-restart'], parent);
  const { portBase, folder } = first;
  const { nodes } = first.file;
  await first.stop();
  for (const { config } of nodes) appendFileSync(config, shortLog);
  const cluster = await Cluster.resume(folder, portBase, 3, ['--no-restart']);
  t.after(() => cluster.remove());
  return cluster;
};

const bytesIn = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

const killed = (child: ChildProcess): Promise<void> => ended(child, 'SIGKILL');

const list = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);

const currentOf = (data: string): string =>
  readFileSync(join(data, 'db', 'CURRENT'), 'utf8').trim();

/** Whether only what is in use lies in the data folder. */
const isClean = (data: string): boolean =>
  list(join(data, 'images')).length === 0 &&
  list(join(data, 'incoming')).length === 0 &&
  list(join(data, 'db')).length === 2;

test('a node that missed what the log has let go of catches up through an image', async (t) => {
  const cluster = await startCluster(t);
  const { nodes } = cluster.file;
  await cluster.execute(0, [
    'CREATE TABLE bulk (id INTEGER PRIMARY KEY, body TEXT)',
    'CREATE TABLE marks (mark TEXT)',
  ]);
  const leader = (await cluster.leader()) ?? 0;
  const away = (leader + 1) % 3;
  const node = nodes[away] ?? { pid: 0, config: '', data: '' };
  const live = nodes.filter((_, at) => at !== away);
  let round = 0;
  let marks = 0;
  const write = async (requests: number): Promise<void> => {
    for (let at = 0; at < requests; at++) await cluster.execute(leader, bulk(round++));
  };
  const content = (at: number) =>
    cluster.query(
      at,
      'SELECT count(*), sum(id * unicode(body)), sum(length(body)) FROM bulk',
      'none',
    );
  const everyRow = (at: number) =>
    cluster.query(at, 'SELECT id, substr(body, 1, 12) FROM bulk', 'none');
  const catchesUp = async (): Promise<void> => {
    const mark = `mark ${marks++}`;
    await cluster.execute(leader, [['INSERT INTO marks VALUES (?)', mark]]);
    await eventually('the node has the newest row', async () => {
      const rows = await cluster
        .query(away, 'SELECT mark FROM marks ORDER BY rowid DESC LIMIT 1', 'none')
        .catch(() => undefined);
      return rows?.[0]?.[0] === mark;
    });
    const expected = await content(leader);
    assert.equal(expected[0]?.[0], round * rowsPerRequest);
    for (const at of [0, 1, 2]) assert.deepEqual(await content(at), expected, `node ${at}`);
  };
  await write(2);
  process.kill(node.pid, 'SIGKILL');

  let running: ChildProcess | undefined;

  await t.test('the log stays bounded under a load of many times its size', async () => {
    // The first file of the log is from the first start and has 16 MiB.
    await write(40);
    let bytesMax = 0;
    for (let more = 0; more < 10; more++) {
      await write(2);
      bytesMax = Math.max(bytesMax, ...live.map(({ data }) => bytesIn(join(data, 'raft'))));
    }
    t.diagnostic(`largest log folder: ${(bytesMax / mib).toFixed(1)} MiB`);
    // The window, what came since it was last looked at, the file in use, two spares.
    assert.ok(bytesMax <= 8 * mib, `${bytesMax} bytes`);
  });

  await t.test('it gets an image under a running load, and has the same content', async () => {
    const since = performance.now();
    running = startNode(t, node.config);
    await eventually('an image is in use', async () => {
      await cluster.execute(leader, ["INSERT INTO marks VALUES ('meanwhile')"]);
      return currentOf(node.data).startsWith('i');
    });
    await catchesUp();
    t.diagnostic(`caught up ${Math.round(performance.now() - since)} ms after its start`);
    const rows = await everyRow(leader);
    assert.equal(rows.length, round * rowsPerRequest);
    assert.deepEqual(await everyRow(away), rows);
    // Reads through the new database see writes through this node.
    await cluster.execute(away, ["INSERT INTO marks VALUES ('from here')"]);
    const sql = "SELECT count(*) FROM marks WHERE mark = 'from here'";
    assert.deepEqual(await cluster.query(away, sql, 'linearizable'), [[1]]);
    for (const { data } of nodes) {
      await eventually('nothing is left over', () => Promise.resolve(isClean(data)));
    }
  });

  await t.test('a short absence needs no image', async () => {
    const generation = currentOf(node.data);
    if (running !== undefined) await killed(running);
    await cluster.execute(leader, ["INSERT INTO marks VALUES ('short')"]);
    running = startNode(t, node.config);
    await catchesUp();
    assert.equal(currentOf(node.data), generation);
  });

  const moments: Readonly<Record<string, (before: string) => boolean>> = {
    'while it is received': () => list(join(node.data, 'incoming')).length > 0,
    'when it is a generation': (before) =>
      list(join(node.data, 'db')).some((name) => name !== 'CURRENT' && name !== before),
    'when CURRENT names it': (before) => currentOf(node.data) !== before,
    'when the old generation is gone': (before) => !list(join(node.data, 'db')).includes(before),
  };
  for (const [moment, hasCome] of Object.entries(moments)) {
    await t.test(`a node killed ${moment} starts again and catches up`, async () => {
      if (running !== undefined) await killed(running);
      await write(12);
      const before = currentOf(node.data);
      const cut = startNode(t, node.config);
      await eventually(moment, () => Promise.resolve(hasCome(before)));
      await killed(cut);
      t.diagnostic(`killed ${moment}: ${list(join(node.data, 'db')).join(' ')}`);
      running = startNode(t, node.config);
      await catchesUp();
      assert.notEqual(currentOf(node.data), before);
      await eventually('nothing is left over', () => Promise.resolve(isClean(node.data)));
    });
  }

  await t.test('a leader that halts in the middle of an image: the node catches up', async () => {
    if (running !== undefined) await killed(running);
    await write(12);
    running = startNode(t, node.config);
    await eventually('an image is under way', () =>
      Promise.resolve(list(join(node.data, 'incoming')).length > 0),
    );
    // Long enough for the connection to be given up and, with the third node, for an election.
    const { pid } = cluster.file.nodes[leader] ?? { pid: 0 };
    process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 7000));
    process.kill(pid, 'SIGCONT');
    await eventually('writes are taken again', async () => {
      const body = JSON.stringify(["INSERT INTO marks VALUES ('again')"]);
      const answer = await cluster.ask(leader, '/db/execute', { body });
      return answer.status === 200;
    });
    await catchesUp();
  });

  await t.test('a node whose disk forgot does not start, and is sent nothing', async () => {
    // Not killed: its children would still be closing files while they are copied.
    if (running !== undefined) await ended(running, 'SIGTERM');
    const [data, kept] = [node.data, join(cluster.folder, 'kept')];
    cpSync(data, kept, { recursive: true });
    const refusedBy = async (gone: readonly string[]): Promise<string> => {
      for (const name of gone) rmSync(join(data, name), { recursive: true });
      const child = startNode(t, node.config, 'pipe');
      let stderr = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      const code = await new Promise((resolve) => child.once('close', resolve));
      assert.notEqual(code, 0);
      return stderr;
    };
    // The log says that there was more than an empty database holds.
    assert.match(await refusedBy(['db']), /the log begins behind entry/);
    // Without the log nobody knows whom it voted for: the same with and without its database.
    assert.match(await refusedBy(['db', 'raft']), /forgot its votes/);
    rmSync(data, { recursive: true });
    cpSync(kept, data, { recursive: true });
    assert.match(await refusedBy(['raft']), /forgot its votes/);
    assert.deepEqual(list(join(data, 'incoming')), []);
    await cluster.execute(leader, ["INSERT INTO marks VALUES ('two are enough')"]);
  });
});

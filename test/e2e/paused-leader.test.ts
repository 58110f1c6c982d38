// A leader that stands still for a while (SIGSTOP, as a machine that swaps or is migrated) and
// wakes up: it acknowledges nothing in its old office and answers no linearizable read from its
// past.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster, eventually } from './cluster.ts';

const rounds = 3;

test('a paused leader wakes up deposed: no stale linearizable read, no false acknowledgement', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  await cluster.execute(0, ['CREATE TABLE log (id TEXT)', 'INSERT INTO log VALUES (0)']);
  for (let round = 1; round <= rounds; round++) {
    const { at } = await eventually('somebody leads', async () => {
      const leader = await cluster.leader(round % 3);
      return leader === undefined ? undefined : { at: leader };
    });
    const { pid } = cluster.file.nodes[at] ?? { pid: 0 };
    assert.notEqual(pid, 0);
    const other = (at + 1) % 3;
    process.kill(pid, 'SIGSTOP');
    try {
      // Its front still takes requests: they reach the node when it wakes up.
      const read = cluster.ask(at, '/db/query?level=linearizable&q=SELECT%20max(id)%20FROM%20log');
      const body = JSON.stringify([['INSERT INTO log VALUES (?)', `to-the-old-leader-${round}`]]);
      const write = cluster.ask(at, '/db/execute', { body });
      await eventually('another node leads', async () => {
        const leader = await cluster.leader(other);
        return leader !== undefined && leader !== at;
      });
      await eventually('the new leader takes writes', async () => {
        const insert = JSON.stringify([['INSERT INTO log VALUES (?)', `z${round}`]]);
        const answer = await cluster.ask(other, '/db/execute', { body: insert });
        return answer.status === 200 && !answer.text.includes('"error"');
      });
      process.kill(pid, 'SIGCONT');

      // z... sorts last: whoever answers without it answers from the past.
      const seen = await read;
      if (seen.status === 200)
        assert.match(seen.text, new RegExp(`"values":\\[\\["z${round}"\\]\\]`));
      else
        assert.match(seen.text, /"code":"(not_leader|no_leader|timeout|unreachable|stale_read)"/);

      const told = await write;
      const rows = await cluster.query(
        other,
        `SELECT count(*) FROM log WHERE id = 'to-the-old-leader-${round}'`,
        'linearizable',
      );
      const acknowledged = told.status === 200 && !told.text.includes('"error"');
      if (acknowledged) assert.deepEqual(rows, [[1]], told.text);
      else if (told.text.includes('"applied":"no"')) assert.deepEqual(rows, [[0]], told.text);
      t.diagnostic(`round ${round}: read ${seen.status}, write ${told.status}`);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await eventually('the old leader follows', async () => {
      const answer = await cluster.ask(at, '/readyz').catch(() => undefined);
      return answer?.status === 200;
    });
  }
});

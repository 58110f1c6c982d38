// A replica whose data was changed behind its back, on real processes: it is found, serves no
// reads, votes, gets the leader's data at most once an hour, and agrees again.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Cluster, eventually } from './cluster.ts';
import { ended, endedPid, startNode } from './run-node.ts';

interface Report {
  readonly leader: string;
  readonly outcomes: {
    readonly verdict: string;
    readonly nodes: readonly {
      readonly id: string;
      readonly agrees: boolean | null;
      readonly quarantined: boolean;
    }[];
  };
  readonly content: {
    readonly index: number;
    readonly verdict: string;
    readonly nodes: readonly {
      readonly id: string;
      readonly digest: string;
      readonly agrees: boolean | null;
      readonly differing_tables: readonly string[];
    }[];
  } | null;
}

/** Changes the database of a node that does not run. */
const edit = (data: string, sql: string): void => {
  const generation = readFileSync(join(data, 'db', 'CURRENT'), 'utf8').trim();
  const database = new DatabaseSync(join(data, 'db', generation, 'state.sqlite'));
  database.exec(sql);
  database.close();
};

test('CONSISTENCY: a replica that was changed behind its back is found, quarantined and re-imaged', async (t) => {
  const cluster = await Cluster.start(3, ['--no-restart']);
  t.after(() => cluster.remove());
  await cluster.execute(0, [
    'CREATE TABLE t (id INTEGER PRIMARY KEY, a)',
    'CREATE TABLE other (x)',
    "INSERT INTO t (a) VALUES ('one'), ('two')",
  ]);
  const leader = (await cluster.leader()) ?? 0;
  const wrong = (leader + 1) % 3;
  const third = (leader + 2) % 3;
  const name = `n${wrong + 1}`;
  const { pid, config, data } = cluster.file.nodes[wrong] ?? { pid: 0, config: '', data: '' };
  let running: ChildProcess | undefined;

  const report = async (at: number, method: 'GET' | 'POST'): Promise<Report> => {
    const answer = await cluster.ask(at, '/consistency?timeout=25s', { method });
    assert.equal(answer.status, 200, answer.text);
    return answer.json as Report;
  };
  const read = () => cluster.ask(wrong, '/db/query?level=none&q=SELECT%20a%20FROM%20t');
  const isReady = async (): Promise<boolean> =>
    (await cluster.ask(wrong, '/readyz').catch(() => undefined))?.status === 200;
  const ready = () => eventually('it is ready', isReady);
  const alarms = async (): Promise<readonly string[]> => {
    const status = (await cluster.ask(wrong, '/status')).json as {
      readonly alarms: readonly { readonly name: string }[];
    };
    return status.alarms.map((alarm) => alarm.name);
  };
  const restart = async (sql: string): Promise<void> => {
    if (running === undefined) await endedPid(pid, 'SIGTERM');
    else await ended(running, 'SIGTERM');
    if (sql !== '') edit(data, sql);
    running = startNode(t, config);
  };

  await t.test('equal replicas have one digest at one index, whichever node is asked', async () => {
    const { content, outcomes } = await report(third, 'POST');
    assert.equal(content?.verdict, 'agree');
    assert.equal(content?.nodes.length, 3);
    assert.equal(new Set(content?.nodes.map(({ digest }) => digest)).size, 1);
    assert.ok(content?.nodes.every(({ agrees }) => agrees === true));
    assert.equal(outcomes.verdict, 'agree');
    const again = await eventually('all chains are compared', async () => {
      const now = await report(wrong, 'GET');
      return now.outcomes.nodes.every(({ agrees }) => agrees === true) ? now : undefined;
    });
    assert.deepEqual(again.content, content);
  });

  await t.test(
    'other data: a content check names node and table, an image repairs it',
    async () => {
      await restart("UPDATE t SET a = 'edited' WHERE id = 2");
      await ready();
      // What is on its disk is what it says, until somebody compares.
      assert.match((await read()).text, /edited/);
      const { content } = await report(leader, 'POST');
      assert.equal(content?.verdict, 'followers_differ');
      const node = content?.nodes.find(({ id }) => id === name);
      assert.equal(node?.agrees, false);
      assert.deepEqual(node?.differing_tables, ['t']);
      const refusal = await eventually('it serves no reads', async () => {
        const answer = await read();
        return answer.status === 503 ? answer : undefined;
      });
      assert.match(refusal.text, /replica_differs/);
      // Its vote still counts: with the third node halted it is the one that makes the quorum.
      const paused = cluster.file.nodes[third]?.pid ?? 0;
      process.kill(paused, 'SIGSTOP');
      try {
        await cluster.execute(leader, ["INSERT INTO t (a) VALUES ('three')"]);
      } finally {
        process.kill(paused, 'SIGCONT');
      }
      await ready();
      assert.match((await read()).text, /\["one"\],\["two"\],\["three"\]/);
      const healed = await report(leader, 'POST');
      assert.equal(healed.content?.verdict, 'agree', JSON.stringify(healed.content));
    },
  );

  await t.test(
    'another history: heartbeats find it; a second image waits for its hour',
    async () => {
      await restart('UPDATE _stockade_meta SET chain = zeroblob(32)');
      await eventually('it is quarantined', async () =>
        (await alarms().catch((): readonly string[] => [])).includes('quarantined'),
      );
      assert.equal((await read()).status, 503);
      await eventually('the leader knows of it', async () => {
        const { outcomes } = await report(leader, 'GET');
        return outcomes.nodes.find(({ id }) => id === name)?.quarantined;
      });
      // A restart does not let it off.
      await restart('');
      await eventually('it is quarantined again', async () =>
        (await alarms().catch((): readonly string[] => [])).includes('quarantined'),
      );
      assert.equal((await read()).status, 503);
    },
  );

  await t.test('an hour later it gets one, and all agree', async () => {
    if (running !== undefined) await ended(running, 'SIGTERM');
    const path = join(data, 'agreement.json');
    const remembered = JSON.parse(readFileSync(path, 'utf8')) as { imagedMs: number };
    remembered.imagedMs -= 3_600_000;
    writeFileSync(path, JSON.stringify(remembered));
    running = startNode(t, config);
    await ready();
    assert.deepEqual(await alarms(), []);
    await cluster.execute(wrong, ["INSERT INTO t (a) VALUES ('four')"]);
    const { content } = await report(wrong, 'POST');
    assert.equal(content?.verdict, 'agree');
    const { outcomes } = await eventually('the chains are compared', async () => {
      const now = await report(third, 'GET');
      return now.outcomes.nodes.every(({ agrees }) => agrees === true) ? now : undefined;
    });
    assert.equal(outcomes.verdict, 'agree');
  });
});

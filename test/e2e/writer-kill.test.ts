// The writer of a real server, killed behind a COMMIT and before its answer, while clients wait:
// whatever they are told is true. `STOCKADE_WRITER_KILLS=1000` kills it so often.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { Cluster, eventually } from './cluster.ts';

const kills = Number(process.env['STOCKADE_WRITER_KILLS'] ?? '6');
const writesPerRound = 12;

/** The process of the node's children that has this title. */
const childOf = (pid: number, title: string): number | undefined => {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children.map(Number).find((child) => {
    try {
      return readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0').includes(title);
    } catch {
      return false;
    }
  });
};

test('a writer killed behind its COMMIT, again and again: each write exactly once, none that stands is called not applied', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  await cluster.execute(0, ['CREATE TABLE counted (n INTEGER)']);
  const [node] = cluster.file.nodes;
  assert.ok(node);
  const file = join(node.data, 'db', '00000001', 'state.sqlite');
  const database = new Database(file, { readonly: true });
  t.after(() => database.close());
  const highest = database.prepare('SELECT coalesce(max(n), 0) FROM counted').pluck();
  const times = database.prepare('SELECT count(*) FROM counted WHERE n = ?').pluck();

  const answers = { yes: 0, no: 0, unknown: 0, done: 0 };
  let [next, behindCommit] = [1, 0];
  for (let round = 0; round < kills; round += 1) {
    const writer = await eventually('there is a writer', () =>
      Promise.resolve(childOf(node.pid, 'stockade-writer')),
    );
    const before = Number(highest.get());
    const numbers = Array.from({ length: writesPerRound }, () => next++);
    let answered = 0;
    const asked = numbers.map(async (n) => {
      const body = JSON.stringify([`INSERT INTO counted VALUES (${n})`]);
      const { status, text } = await cluster.ask(0, '/db/execute', { body });
      answered += 1;
      return { n, status, text };
    });
    // Requests leave in the turns to come; then this process hears nothing until the kill.
    for (let turn = 0; turn < 3 + (round % 5); turn += 1) await new Promise(setImmediate);
    const until = performance.now() + 200;
    while (Number(highest.get()) <= before && performance.now() < until) process.hrtime();
    if (answered === 0 && Number(highest.get()) > before) behindCommit += 1;
    process.kill(writer, 'SIGKILL');
    for (const { n, status, text } of await Promise.all(asked)) {
      const said = /"applied":"(\w+)"/.exec(text)?.[1];
      if (status === 200) answers[text.includes('"error"') ? 'yes' : 'done'] += 1;
      else {
        assert.ok(said === 'yes' || said === 'no' || said === 'unknown', text);
        answers[said] += 1;
      }
      // What is in the log is applied by the next writer, before it answers anybody.
      const stands = status === 200 || said === 'yes';
      await cluster.query(0, 'SELECT 1', 'strong');
      const found = Number(times.get(n));
      if (stands) assert.equal(found, 1, `${n}: ${status} ${text}`);
      else if (said === 'no') assert.equal(found, 0, `${n}: ${status} ${text}`);
      else assert.ok(found <= 1, `${n}: ${status} ${text}`);
    }
  }
  assert.equal(
    database
      .prepare('SELECT count(*) FROM (SELECT n FROM counted GROUP BY n HAVING count(*) > 1)')
      .pluck()
      .get(),
    0,
  );
  assert.ok(behindCommit > 0, 'no kill came between a COMMIT and its answer');
  t.diagnostic(
    `${kills} kills, ${behindCommit} behind a COMMIT with no answer yet; answers: ${JSON.stringify(answers)}`,
  );
});

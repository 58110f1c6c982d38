// Scheduled backups while leadership moves in a cluster of three: the leader alone takes them, the
// next one goes on where the last one was, and what did not change is not stored again.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from './cluster.ts';
import { MeetingNodes } from './meeting-nodes.ts';
import type { Running } from './running.ts';

process.umask(0o077);

interface Status {
  readonly store: { readonly leader: { readonly node_id: string } };
  readonly backups: {
    readonly runs: { readonly stored: number; readonly unchanged: number; readonly failed: number };
    readonly newest: string | null;
  };
}

interface Description {
  readonly node: string;
  readonly content: string;
  readonly index: number;
}

const three = [0, 1, 2] as const;

/** What is in the store, oldest first; a backup without a description is none. */
const stored = (folder: string): readonly Description[] => {
  const names = readdirSync(folder).sort();
  const described = names.filter((name) => name.endsWith('.json'));
  const bodies = names.filter((name) => name.endsWith('.gz')).length;
  assert.ok(bodies <= described.length + 1, `one is under way at most: ${names.join(' ')}`);
  return described.map(
    (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Description,
  );
};

test('backups over three leaders: each by who leads, none twice, none of what did not change', async (t) => {
  const nodes = await MeetingNodes.prepare(3);
  t.after(() => nodes.remove());
  const store = join(nodes.folder, '..', 'store');
  mkdirSync(store);
  const storeFile = join(nodes.folder, '..', 'store.json');
  writeFileSync(storeFile, JSON.stringify({ type: 'folder', path: store }));
  const more = ['--backup.auto.store', storeFile, '--backup.auto.interval', '1s'];
  const start = (at: number): Running => nodes.run(at, 3, [...nodes.join(three), ...more]);
  const runs = three.map(start);
  for (const run of runs) await run.says(/"msg":"serving"/);

  const statusOf = async (at: number): Promise<Status> =>
    JSON.parse(await nodes.ask(at, '/status')) as Status;
  const leaderAmong = (asked: readonly number[]): Promise<number> =>
    eventually('they agree on a leader among them', async () => {
      const said = await Promise.all(asked.map(async (at) => (await statusOf(at)).store.leader));
      const [first] = said;
      const at = Number(first?.node_id.slice(1)) - 1;
      return asked.includes(at) && said.every((one) => one.node_id === first?.node_id)
        ? { at }
        : undefined;
    }).then(({ at }) => at);
  const unchangedAt = async (at: number): Promise<number> =>
    (await statusOf(at)).backups.runs.unchanged;
  const looksInVain = async (at: number): Promise<void> => {
    const before = await unchangedAt(at);
    await eventually(`n${at + 1} looks again and finds nothing new`, async () => {
      return (await unchangedAt(at)) > before;
    });
  };
  const authors: string[] = [];
  const oneMoreBy = async (at: number, sql: string): Promise<void> => {
    authors.push(`n${at + 1}`);
    await nodes.ask(at, '/db/execute', JSON.stringify([sql]));
    await eventually(`backup ${authors.length} by n${at + 1}`, () =>
      Promise.resolve(stored(store).length >= authors.length),
    );
    await looksInVain(at);
    assert.deepEqual(
      stored(store).map(({ node }) => node),
      authors,
    );
  };

  const first = await leaderAmong(three);
  // The empty database is one to be kept as well.
  await eventually('a backup of nothing', () => Promise.resolve(stored(store).length === 1));
  authors.push(`n${first + 1}`);
  await looksInVain(first);
  await oneMoreBy(first, 'CREATE TABLE t(a)');

  await runs[first]?.stop('SIGKILL');
  const second = await leaderAmong(three.filter((at) => at !== first));
  await looksInVain(second);
  assert.equal(stored(store).length, authors.length, 'leadership is no change');
  await oneMoreBy(second, 'INSERT INTO t VALUES(1)');

  runs[first] = start(first);
  await runs[first]?.says(/"msg":"serving"/);
  await nodes.ask(second, '/leader?wait', JSON.stringify({ id: `n${first + 1}` }));
  assert.equal(await leaderAmong(three), first);
  await looksInVain(first);
  await oneMoreBy(first, 'INSERT INTO t VALUES(2)');

  const contents = new Set(stored(store).map(({ content }) => content));
  assert.equal(contents.size, authors.length);
  const follower = three.find((at) => at !== first && at !== second) ?? 0;
  const { runs: counted, newest } = (await statusOf(follower)).backups;
  assert.deepEqual([counted, newest], [{ stored: 0, unchanged: 0, failed: 0 }, null]);
});

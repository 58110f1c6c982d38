// A node that cannot open the last of its doors closes the others: its process ends, says why, and
// leaves no front behind on the port.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster, eventually } from './cluster.ts';
import { Running } from './running.ts';

test('a node whose own socket cannot be opened ends, and its port is free', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const [node] = cluster.file.nodes;
  assert.ok(node !== undefined);
  await cluster.stop();
  // What stands where the socket belongs cannot be removed like a file.
  mkdirSync(join(node.data, 'admin.sock'), { mode: 0o700 });
  writeFileSync(join(node.data, 'admin.sock', 'x'), '', { mode: 0o600 });
  const running = new Running(['run', '--config', node.config]);
  t.after(() => running.kill('SIGKILL'));
  const code = await running.ended();
  assert.notEqual(code, 0);
  assert.notEqual(code, null);
  assert.match(running.stderr + running.stdout, /admin\.sock/);
  await eventually('the port is free', () => {
    const server = createServer();
    return new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(cluster.portBase, '127.0.0.1', () => server.close(() => resolve(true)));
    });
  });
});

test('a node whose API port another program has does not start, and says so as of its peer port', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const [node] = cluster.file.nodes;
  assert.ok(node !== undefined);
  await cluster.stop();
  for (const [port, setting] of [
    [cluster.portBase, 'http.listen'],
    [cluster.portBase + 1, 'peer.listen'],
  ] as const) {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(port, '127.0.0.1', resolve);
    });
    const running = new Running(['run', '--config', node.config]);
    t.after(() => running.kill('SIGKILL'));
    const code = await Promise.race([
      running.ended(),
      running.says(/serving/).then(
        () => 'it serves',
        () => running.ended(),
      ),
    ]);
    await new Promise((resolve) => {
      other.close(resolve);
    });
    assert.equal(code, 78, running.stderr);
    assert.match(running.stderr, new RegExp(`another program listens on 127.0.0.1:${port}`));
    assert.match(running.stderr, new RegExp(`set ${setting.replace('.', '[.]')} to a free port`));
  }
});

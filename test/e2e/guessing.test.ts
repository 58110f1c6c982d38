// A guesser at full speed for a few seconds, against three nodes: nobody else notices.
// `tools/guess.ts` does the same for longer; docs/PERFORMANCE.md has its figures.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Cluster, patienceMs } from './cluster.ts';

const program = fileURLToPath(new URL('../../tools/guess.ts', import.meta.url));

interface Report {
  readonly guesses: number;
  readonly compared: number;
  readonly toldToWait: number;
  readonly failed: number;
  readonly known: { readonly requests: number; readonly refused: number };
  readonly newcomer: { readonly status: number };
  readonly terms: readonly [number, number];
}

test('BF-01 DOS-10 DOS-11 a thousand wrong passwords a second: no election, right users go on, the guesser waits', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  const { ca, admin, nodes } = cluster.file;
  const leader = nodes[(await cluster.leader()) ?? 0] ?? assert.fail();
  const output = await new Promise<string>((resolve) => {
    const words = ['--url', leader.url, '--ca', ca, '--user', admin.user];
    const load = ['--password-file', admin.passwordFile, '--rate', '1000', '--seconds', '4'];
    const child = spawn(process.execPath, [program, ...words, ...load], { timeout: patienceMs });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    child.on('close', () => resolve(text));
  });
  t.diagnostic(output.replaceAll(/\s+/g, ' '));
  const report = JSON.parse(output) as Report;
  const [before, after] = report.terms;
  assert.ok(before > 0);
  assert.equal(after, before, 'nobody was elected anew');
  assert.equal(report.known.refused, 0, 'who was known was served');
  assert.ok(report.known.requests > 0);
  assert.equal(report.newcomer.status, 200, 'who came anew from elsewhere was let in');
  assert.ok(report.guesses > 100, `${report.guesses} guesses are no load`);
  // Twenty are free from an address; a few more are under way when the twentieth fails.
  assert.ok(report.compared <= 40, `${report.compared} guesses were compared`);
  assert.equal(report.compared + report.toldToWait + report.failed, report.guesses);
  assert.equal(report.failed, 0);
});

// What systemd hears of a node, through its own command and a socket of its kind.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { notifySystemd } from '#cli/notify-systemd.ts';
import { watchdogEveryMs, watchdogLook } from '#cli/watchdog.ts';
import { eventually } from '#test/e2e/cluster.ts';
import { MeetingNodes } from '#test/e2e/meeting-nodes.ts';
import { Running } from '#test/e2e/running.ts';

const command = '/usr/bin/systemd-notify';
const python = '/usr/bin/python3';

/** Prints each datagram on a line of its own. A file descriptor may come along: it is closed. */
const listener = `
import os, socket, sys
at = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
at.bind(sys.argv[1])
print('listening', flush=True)
while True:
    text, descriptors, _, _ = socket.recv_fds(at, 4096, 1)
    for one in descriptors:
        os.close(one)
    print(text.decode().replace('\\n', ' '), flush=True)
`;

/** A socket as systemd has it, and what it heard so far. */
const listening = async (
  t: TestContext,
): Promise<{ readonly path: string; readonly heard: () => string }> => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-notify-'));
  const path = join(folder, 'notify');
  const child = spawn(python, ['-c', listener, path], { stdio: ['ignore', 'pipe', 'ignore'] });
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  t.after(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  await eventually('the socket is there', () => Promise.resolve(heard.includes('listening')));
  return { path, heard: () => heard };
};

const missing = !existsSync(command) || !existsSync(python);

test('without NOTIFY_SOCKET nobody is told; one that is not there is no reason to end', async () => {
  const failures: string[] = [];
  const failed = (reason: string): void => void failures.push(reason);
  await notifySystemd('READY=1', {}, failed);
  await notifySystemd('READY=1', { NOTIFY_SOCKET: '' }, failed);
  assert.deepEqual(failures, []);
  await notifySystemd('READY=1', { NOTIFY_SOCKET: '/nowhere/notify' }, failed);
  assert.equal(failures.length, 1);
});

test('the watchdog is fed at half of its time, by the process that it is for, while the loop turns', () => {
  const every = (environment: Record<string, string>) => watchdogEveryMs(environment, 42);
  assert.equal(every({ WATCHDOG_USEC: '60000000' }), 30_000);
  assert.equal(every({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }), 30_000);
  assert.equal(every({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '41' }), undefined);
  assert.equal(every({}), undefined);
  for (const odd of ['0', '-5', 'x', '1e6', '']) {
    assert.equal(every({ WATCHDOG_USEC: odd }), undefined, odd);
  }
  let [turns, fed] = [7, 0];
  const feed = (): void => {
    fed += 1;
  };
  const look = watchdogLook({ turns: () => turns, feed });
  look();
  assert.equal(fed, 0, 'no turn since it began');
  turns = 8;
  look();
  assert.equal(fed, 1);
  for (let times = 0; times < 3; times++) look();
  assert.equal(fed, 1, 'a loop that hangs');
  turns = 900;
  look();
  assert.equal(fed, 2);
});

test('systemd hears READY=1 when the node serves, WATCHDOG=1 while it does, STOPPING=1 when it stops', async (t) => {
  if (missing) return t.skip('systemd-notify or python3 is not here');
  const { path, heard } = await listening(t);
  const nodes = await MeetingNodes.prepare(1);
  t.after(() => nodes.remove());
  const config = join(nodes.folderOf(0), 'node.yaml');
  const words = ['run', '--config', config, '--cluster.bootstrapExpect', '1', ...nodes.join([0])];
  const environment = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '600000' };
  const run = new Running(words, { environment });
  t.after(() => run.stop());
  await run.says(/"msg":"serving"/);
  await eventually('READY=1 is heard', () => Promise.resolve(heard().includes('READY=1')));
  await eventually('the watchdog is fed again and again', () =>
    Promise.resolve(heard().split('WATCHDOG=1').length > 3),
  );
  assert.ok(heard().indexOf('READY=1') < heard().indexOf('WATCHDOG=1'), heard());
  assert.doesNotMatch(heard(), /STOPPING/);
  assert.equal(await run.stop(), 0);
  await eventually('STOPPING=1 is heard', () => Promise.resolve(heard().includes('STOPPING=1')));
  assert.doesNotMatch(run.stdout, /systemd could not be told/);
});

test('the unit is one that systemd takes, and exposes 1.5 at most', (t) => {
  const analyze = '/usr/bin/systemd-analyze';
  if (!existsSync(analyze)) return t.skip('systemd-analyze is not here');
  const unit = join(import.meta.dirname, '..', '..', 'config', 'stockade.service');
  const { stdout, stderr } = spawnSync(analyze, ['verify', '--man=no', unit], { encoding: 'utf8' });
  // The program itself is not installed here.
  const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('stockade.service'));
  const faults = said.filter((line) => !/is not executable|Command .* is not/.test(line));
  assert.deepEqual(faults, []);
  const judged = spawnSync(analyze, ['security', '--offline=true', unit], { encoding: 'utf8' });
  const exposure = Number(
    /exposure level for stockade\.service: ([\d.]+)/.exec(judged.stdout)?.[1],
  );
  assert.ok(exposure <= 1.5, judged.stdout.slice(-300));
});

// Children of a node: a bare environment, no debugger by signal, gone with the pipe.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { spawnChild } from '#process/child.ts';
import type { ByteStream } from '#process/link.ts';

const start = (t: TestContext, program: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-child-'));
  const file = join(folder, 'child.mjs');
  writeFileSync(file, program);
  const child = spawnChild({
    file,
    execArguments: [],
    title: 'stockade-test-child',
    takesHandle: false,
    shellLimits: 'ulimit -c 0',
  });
  t.after(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  return child;
};

const firstChunk = (stream: ByteStream): Promise<string> =>
  new Promise((resolve) => stream.on('data', (chunk) => resolve(chunk.toString())));

const pipe = `import { Socket } from 'node:net';
const pipe = new Socket({ fd: 3, readable: true, writable: true });
pipe.on('close', () => process.exit(0));
pipe.resume();
`;

test('a child sees the named settings and nothing of our environment', async (t) => {
  const child = start(t, `${pipe}pipe.write(JSON.stringify(Object.keys(process.env).sort()));`);
  const names = JSON.parse(await firstChunk(child.stream)) as string[];
  // The shell that sets the limits adds PWD, SHLVL and _ of its own, depending on which one it is.
  const ours = names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name));
  assert.deepEqual(ours, ['LC_ALL', 'NODE_COMPILE_CACHE', 'TZ']);
});

test('a child keeps compiled code beside the program, wherever it runs', async (t) => {
  const text = `${pipe}const { getCompileCacheDir } = await import('node:module');
pipe.write(String(getCompileCacheDir()));`;
  const child = start(t, text);
  const beside = fileURLToPath(new URL('../../build/code-cache/', import.meta.url));
  assert.ok((await firstChunk(child.stream)).startsWith(beside));
});

test('SIGUSR1 opens no debugger in a child', async (t) => {
  const child = start(
    t,
    `${pipe}process.on('SIGUSR2', () => pipe.write('still here'));pipe.write('up');`,
  );
  assert.equal(await firstChunk(child.stream), 'up');
  process.kill(child.pid, 'SIGUSR1');
  const later = firstChunk(child.stream);
  process.kill(child.pid, 'SIGUSR2');
  // Either it is gone (the signal's default) or it goes on; a debugger it has not.
  await Promise.race([later, child.ended]);
  const refused = await new Promise<boolean>((resolve) => {
    const socket = connect(9229, '127.0.0.1');
    socket.on('error', () => resolve(true));
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
  assert.equal(refused, true);
});

test('a child ends when its pipe closes', async (t) => {
  const child = start(t, `${pipe}pipe.write('up');`);
  await firstChunk(child.stream);
  child.stream.destroy();
  assert.deepEqual(await child.ended, { code: 0, signal: null });
});

// `stockade up` as a newcomer meets it: the printed commands work as pasted, a second run resumes,
// what cannot work is said in one sentence with what to do.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Cluster, freePortBase, stockade } from './cluster.ts';
import { Running } from './running.ts';

const shell = (command: string): Promise<{ stdout: string }> =>
  promisify(execFile)('/bin/sh', ['-c', command], { timeout: 60_000 });

const hasCurl = await shell('command -v curl').then(
  () => true,
  () => false,
);

/** The curl commands in what `up` printed, each as one pasted text. */
const pastedCommands = (stdout: string): readonly string[] =>
  (stdout.match(/^ {2}curl .*\n {4}.*(?:\n {4}-H .*)?$/gm) ?? []).map((text) => `${text}\n`);

test('three nodes come up, the printed commands work as pasted, a second run has the data', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  const commands = pastedCommands(cluster.stdout);
  assert.equal(commands.length, 3, cluster.stdout);
  if (hasCurl) {
    const answers: string[] = [];
    for (const command of commands) answers.push((await shell(command)).stdout);
    assert.deepEqual(answers, [
      '{"results":[{}]}',
      '{"results":[{"last_insert_id":1,"rows_affected":1}]}',
      '{"results":[{"columns":["id","text"],"types":["integer","text"],"values":[[1,"hello"]]}]}',
    ]);
  } else {
    t.diagnostic('no curl on this machine: the commands were read, not run');
    await cluster.execute(0, ['CREATE TABLE greeting (id INTEGER PRIMARY KEY, text TEXT)']);
    await cluster.execute(0, [['INSERT INTO greeting (text) VALUES (?)', 'hello']]);
  }

  const { folder, portBase } = cluster;
  assert.equal(await cluster.stop(), 0);
  assert.equal(existsSync(join(folder, 'cluster.json')), false);
  const again = await Cluster.resume(folder, portBase, 3);
  t.after(() => again.stop());
  assert.deepEqual(await again.query(1, 'SELECT text FROM greeting', 'linearizable'), [['hello']]);
});

test('one node works alone, secrets are for the owner only', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  await cluster.execute(0, ['CREATE TABLE t (a)', 'INSERT INTO t VALUES (1)']);
  assert.deepEqual(await cluster.query(0, 'SELECT a FROM t', 'strong'), [[1]]);
  const { file } = cluster;
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  assert.equal(mode(cluster.folder), '700');
  assert.equal(mode(file.admin.passwordFile), '600');
  assert.equal(mode(file.admin.key), '600');
  assert.equal(mode(file.auth), '600');
  assert.equal(mode(join(file.authority, 'peer-ca.key')), '400');
  assert.equal(mode(file.nodes[0]?.data ?? ''), '700');
  assert.match(readFileSync(file.auth, 'utf8'), /\$2[aby]\$12\$/);
  assert.doesNotMatch(readFileSync(file.auth, 'utf8'), new RegExp(cluster.password));
});

test('a further node is admitted to a cluster of `stockade up` by the same commands', async (t) => {
  const cluster = await Cluster.start(1);
  t.after(() => cluster.remove());
  const admitting = new Running(['admit', 'n2', '--data', cluster.folder]);
  t.after(() => admitting.stop());
  const [, token = ''] = await admitting.says(/^stockade join (STK1-n2-\S+)$/m);
  const port = await freePortBase(1);
  const joining = new Running(
    [
      ...['join', '-', '--data', join(cluster.folder, '..', 'further')],
      ...['--http-port', String(port), '--peer-port', String(port + 1)],
    ],
    { input: `${token}\n` },
  );
  t.after(() => joining.stop());
  await joining.says(/^n2 is a member: n1 \(voter\), n2/m);
  assert.equal(await admitting.ended(), 0);
  const tool = fileURLToPath(new URL('../../certs-tool/main.ts', import.meta.url));
  const { authority } = cluster.file;
  const status = await promisify(execFile)(process.execPath, [
    ...[tool, 'rotate', '--kind', 'peer', '--status', '--authority', authority],
  ]);
  assert.match(status.stdout, /node:n1 +g1\n +node:n2 +g1/, 'it knows whom it has certified');
});

test('a folder that is not ours is left alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-foreign-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'thesis.txt'), 'three years of work');
  const ended = await stockade(['up', '--data', folder]);
  assert.equal(ended.code, 5);
  assert.match(
    ended.stderr,
    /is left alone: it holds files that are not of stockade up\n {2}Choose/,
  );
  assert.equal(readFileSync(join(folder, 'thesis.txt'), 'utf8'), 'three years of work');
});

test('a port in use is named before anything is made', async (t) => {
  const base = await freePortBase(2);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(base + 11, '127.0.0.1', () => resolve()));
  const parent = mkdtempSync(join(tmpdir(), 'stockade-port-'));
  t.after(() => {
    server.close();
    rmSync(parent, { recursive: true });
  });
  const data = join(parent, 'cluster');
  const words = ['up', '--data', data, '--nodes', '2', '--port-base', String(base)];
  const ended = await stockade(words);
  assert.equal(ended.code, 78);
  assert.match(ended.stderr, new RegExp(`port ${base + 11} \\(node n2\\) is in use`));
  assert.match(ended.stderr, /--port-base/);
  assert.equal(existsSync(data), false);
});

test('a folder that cannot be written is one sentence', async () => {
  const ended = await stockade(['up', '--data', '/sys/stockade']);
  assert.equal(ended.code, 78);
  assert.match(ended.stderr, /\/sys\/stockade cannot be written by this user\n {2}Choose a folder/);
});

test('wrong words are answered with the nearest right ones', async () => {
  const command = await stockade(['upp']);
  assert.equal(command.code, 2);
  assert.match(command.stderr, /there is no command "upp"\n {2}Did you mean up\?/);
  const option = await stockade(['up', '--node', '3']);
  assert.equal(option.code, 2);
  assert.match(option.stderr, /Did you mean --nodes\?/);
  const number = await stockade(['up', '--nodes', 'three']);
  assert.equal(number.code, 2);
  assert.match(number.stderr, /--nodes is "three"\n {2}Use 1 to 9\./);
  const help = await stockade(['up', '--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /usage: stockade up/);
  const version = await stockade(['--version']);
  assert.match(version.stdout, /^stockade \d+\.\d+\.\d+\n$/);
});

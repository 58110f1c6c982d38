// `stockade check`: all that is wrong is said at once, before anything starts; what it calls wrong
// the start refuses.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ended, freePortBase } from './cluster.ts';
import { Running } from './running.ts';

let root = '';
let folder = '';
let port = 0;

const config = (): string => join(folder, 'node.yaml');
const at = (...path: readonly string[]): string => join(folder, ...path);
/** Runs `stockade` in an environment without anything of this one. */
const stockade = async (
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> => {
  const running = new Running(words, { environment });
  const code = await running.ended();
  return { code, stdout: running.stdout, stderr: running.stderr };
};
const check = (...more: readonly string[]) => stockade(['check', '--config', config(), ...more]);
/** What `run` says; it must refuse. */
const refusal = async (): Promise<string> => {
  const { code, stderr } = await stockade(['run', '--config', config()]);
  assert.equal(code, 78, stderr);
  return stderr;
};

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'stockade-check-'));
  folder = join(root, 'n1');
  port = await freePortBase(1);
  const ports = ['--http-port', String(port), '--peer-port', String(port + 1)];
  const words = ['init', '--name', 'n1', '--advertise', '127.0.0.1', ...ports, '--data', folder];
  const made = await stockade(words);
  assert.equal(made.code, 0, made.stderr);
});
after(() => rmSync(root, { recursive: true, force: true }));

test('a node that may start: every line is ok, the posture is strict, the exit code 0', async () => {
  const { code, stdout } = await check();
  assert.equal(code, 0, stdout);
  assert.doesNotMatch(stdout, /WRONG|SOON|LOOSENED/);
  for (const line of [
    /^ok +settings /m,
    /^ok +data folder +node n1 of cluster [0-9a-f]{32}$/m,
    /^ok +peer certificate +chain, dates, name, purposes and key belong together/m,
    /^ok +certificate end +certificate peer ends in \d+(\.\d)? days$/m,
    /^ok +CA keys +none beside the certificates of this node$/m,
    /^ok +auth file +1 users/m,
    /^ok +peer\.listen +127\.0\.0\.1:\d+ is free$/m,
    /^strict +peer port +127\.0\.0\.1:\d+, this machine only: TLS 1\.3 with a certificate of the peer CA, no other way$/m,
  ]) {
    assert.match(stdout, line);
  }
});

test('PERM-01 a key that others can read is wrong, with the command that mends it, and run refuses it too', async () => {
  for (const [key, mode] of [
    ['certs/peer.key', 0o644],
    ['certs/https.key', 0o640],
  ] as const) {
    chmodSync(at(key), mode);
    const { code, stdout } = await check();
    assert.equal(code, 78);
    const why = new RegExp(`${key} has mode 0${mode.toString(8)}: others can touch it`);
    assert.match(stdout, /^WRONG +(?:peer|HTTPS) certificate /m);
    assert.match(stdout, why);
    assert.match(stdout, new RegExp(`^ +chmod 0600 .*${key}$`, 'm'));
    assert.match(await refusal(), why);
    chmodSync(at(key), 0o600);
  }
});

test('PERM-04 an auth file or a data folder that others can read is wrong, and run refuses it too', async () => {
  for (const [path, mode, right] of [
    ['auth.json', 0o644, 0o600],
    ['data', 0o755, 0o700],
  ] as const) {
    chmodSync(at(path), mode);
    assert.match((await check()).stdout, /^WRONG .*others can touch it/m, path);
    assert.match(await refusal(), /others can touch it/, path);
    chmodSync(at(path), right);
  }
});

test('the key of a CA beside the certificates is wrong, sealed or not, and run refuses it too', async () => {
  const stray = at('certs', 'stray.key');
  copyFileSync(at('authority', 'client-ca.g1.key'), stray);
  chmodSync(stray, 0o600);
  assert.match((await check()).stdout, /^WRONG +CA keys +.*stray\.key is the key of a CA$/m);
  assert.match(await refusal(), /stray\.key is the key of a CA/);
  writeFileSync(stray, '-----BEGIN STOCKADE SEALED KEY-----\n');
  assert.match((await check()).stdout, /^WRONG +CA keys /m);
  rmSync(stray);
});

test('CFG-03 an environment that weakens the process is wrong, and run refuses it too', async () => {
  const weak = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const checked = await stockade(['check', '--config', config()], weak);
  assert.equal(checked.code, 78);
  assert.match(checked.stdout, /^WRONG +environment +.*NODE_TLS_REJECT_UNAUTHORIZED/m);
  const refused = await stockade(['run', '--config', config()], weak);
  assert.equal(refused.code, 78);
  assert.match(refused.stderr, /NODE_TLS_REJECT_UNAUTHORIZED, which can weaken a node/);
  // Code that somebody else compiled.
  const foreign = { NODE_COMPILE_CACHE: at('code') };
  const cached = await stockade(['run', '--config', config()], foreign);
  assert.equal(cached.code, 78);
  assert.match(cached.stderr, /NODE_COMPILE_CACHE, which can weaken a node/);
});

test('a port that is taken and a loosened setting are told, all at once', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { code, stdout } = await check(
    ...['--http.listen', taken, '--compat.statusCodes', 'true'],
    ...['--http.allowOrigins', 'https://a.example', '--json'],
  );
  server.close();
  assert.equal(code, 78);
  const told = JSON.parse(stdout) as {
    ok: boolean;
    checks: { what: string; state: string; detail: string }[];
    posture: { what: string; state: string }[];
  };
  assert.equal(told.ok, false);
  assert.deepEqual(
    told.checks.filter(({ state }) => state === 'wrong').map(({ what, detail }) => [what, detail]),
    [['http.listen', `${taken}: another program listens there`]],
  );
  assert.deepEqual(
    told.posture.filter(({ state }) => state === 'loosened').map(({ what }) => what),
    ['pages of other sites', 'compat.statusCodes'],
  );
});

test("CFG-02 a setting that does not exist is wrong usage of the file, and another node's certificate is found", async () => {
  const text = readFileSync(config(), 'utf8');
  writeFileSync(config(), text.replace('listen:', 'lisen:'));
  const unknown = await check();
  assert.equal(unknown.code, 78);
  assert.match(unknown.stderr, /lisen/);
  writeFileSync(config(), text.replace("name: 'n1'", "name: 'n2'"));
  const other = await check();
  assert.equal(other.code, 78);
  assert.match(
    other.stdout,
    /^WRONG +data folder +.* belongs to node n1, but the configuration says n2$/m,
  );
  writeFileSync(config(), text);
  assert.equal((await check()).code, 0);
});

// A node joins without a network between it and whoever admits it, and without a token: a request
// goes one way as a file, certificates the other. Real processes, each with a folder of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Ended, eventually, stockade } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';

const certsTool = fileURLToPath(new URL('../../certs-tool/main.ts', import.meta.url));

let cluster: FormedCluster;
let id = '';

before(async () => {
  cluster = await FormedCluster.prepare();
  const words = ['init', '--name', 'n1', '--advertise', '127.0.0.1', ...cluster.options(0)];
  const made = await stockade(words);
  assert.equal(made.code, 0, made.stderr);
  const run = cluster.start(['run', '--config', join(cluster.data(0), 'node.yaml')]);
  await run.says(/"msg":"serving"/);
  const state = readFileSync(join(cluster.data(0), 'data', 'identity.json'), 'utf8');
  id = (JSON.parse(state) as { cluster: string }).cluster;
});
after(() => cluster.remove());

const prepare = (at: number, name: string, clusterId = id): Promise<Ended> =>
  stockade([
    ...['join', '--prepare', name, '--cluster', clusterId, '--advertise', '127.0.0.1'],
    ...cluster.options(at),
  ]);

const request = (at: number, name: string): string => join(cluster.data(at), `${name}.request`);

/** Beside the first node. */
const admit = (file: string, out: string, ...more: readonly string[]): Promise<Ended> =>
  stockade(['admit', '--request', file, '--out', out, '--data', cluster.data(0), ...more]);

const joinWith = (at: number, file: string) =>
  cluster.start(['join', '--certificate', file, '--data', cluster.data(at)]);

const carried = (name: string): string => join(cluster.folder, name);

const wordsIn = ({ stderr }: Ended): string =>
  /words of [^:]+: ((?:\w{5} ?){6})/.exec(stderr)?.[1]?.trim() ?? '';

/** A copy of a file with some of its fields changed. */
const changed = (path: string, to: string, fields: Readonly<Record<string, string>>): string => {
  const text = JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...fields });
  writeFileSync(to, text, { mode: 0o600 });
  return to;
};

test('a request carried one way and an admission the other make a member: no token, no listener, no key on its way', async () => {
  const prepared = await prepare(1, 'n2');
  assert.equal(prepared.code, 0, prepared.stderr);
  const file = request(1, 'n2');
  assert.equal(prepared.stdout, `${file}\n`);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /PRIVATE/);
  const out = carried('n2.admission');
  const admitted = await admit(file, out);
  assert.equal(admitted.code, 0, admitted.stderr);
  assert.notEqual(wordsIn(prepared), '');
  assert.equal(wordsIn(admitted), wordsIn(prepared), 'both screens show the same words');
  assert.match(admitted.stderr, /compare them with those on its own screen/);
  assert.equal(statSync(out).mode & 0o777, 0o600);
  assert.doesNotMatch(readFileSync(out, 'utf8'), /PRIVATE/);
  await joinWith(1, out).says(/^n2 is a member: n1 \(voter\), n2 \(\w+\)/m);
  await cluster.execute(0, 'CREATE TABLE t (a)', "INSERT INTO t VALUES ('of n1')");
  assert.match(await cluster.query(1, 'SELECT a FROM t'), /"of n1"/);
});

test('certificates that were signed where no node and no network is do as well', async () => {
  assert.equal((await prepare(2, 'n3')).code, 0);
  const signed = carried('signed');
  const authority = join(cluster.data(0), 'authority');
  for (const [csr, holder] of [
    ['peer.csr', 'node:n3'],
    ['https.csr', 'https:127.0.0.1'],
  ] as const) {
    await promisify(execFile)(process.execPath, [
      ...[certsTool, 'sign', join(cluster.data(2), 'certs', csr), '--as', holder],
      ...['--host', '127.0.0.1', '--out', signed, '--authority', authority],
    ]);
  }
  const out = carried('n3.admission');
  const nowhere = ['--certificates', signed, '--authority', carried('no-such-folder')];
  const admitted = await admit(request(2, 'n3'), out, ...nowhere);
  assert.equal(admitted.code, 0, admitted.stderr);
  await joinWith(2, out).says(/^n3 is a member/m);
  await eventually('all three vote', async () => {
    const { nodes } = (await cluster.status(0)).store;
    return nodes.length === 3 && nodes.every(({ suffrage }) => suffrage === 'voter');
  });
  const keys = [1, 2].flatMap((at) => readdirSync(join(cluster.data(at), 'certs')));
  assert.ok(keys.includes('peer.key') && keys.includes('https.key'));
});

/** What is refused: what is said, and the exit code. */
const refused = ({ code, stderr }: Ended, status: number, says: RegExp): void => {
  assert.match(stderr, says);
  assert.equal(code, status, stderr);
};

test('ID-04 a request that was changed or made up on its way is refused, and nobody is on record for it', async () => {
  assert.equal((await prepare(3, 'n4')).code, 0);
  const file = request(3, 'n4');
  const out = carried('never');
  const altered = (fields: Readonly<Record<string, string>>): Promise<Ended> =>
    admit(changed(file, carried('altered'), fields), out);
  const second = JSON.parse(readFileSync(request(1, 'n2'), 'utf8')) as { storeId: string };
  const otherName = await altered({ name: 'n5' });
  refused(otherName, 78, /the request of n5 is refused \(other_name\)/);
  refused(await altered({ cluster: 'f'.repeat(32) }), 78, /the request of n4 is refused/);
  assert.equal((await prepare(5, 'n5', 'f'.repeat(32))).code, 0);
  refused(await admit(request(5, 'n5'), out), 78, /of cluster f{32}, this node is of/);
  refused(await altered({ peerRequest: 'x' }), 78, /the request of n4 is refused \(malformed\)/);
  refused(await altered({ peerAddress: 'nowhere' }), 1, /"nowhere" is no address/);
  refused(await altered({ storeId: second.storeId }), 3, /the disk or the key of n4 is another/);
  refused(await altered({ more: '' }), 78, /fields that do not belong there/);
  refused(await altered({ version: '2' }), 78, /its version is another one/);
  const notOurs = ['--certificates', carried('signed')];
  refused(
    await admit(file, out, ...notOurs),
    78,
    /the certificate is for another key than the one/,
  );
  const { nodes } = (await cluster.status(0)).store;
  assert.deepEqual(nodes.map(({ id: name }) => name).sort(), ['n1', 'n2', 'n3']);
  assert.throws(() => statSync(out), { code: 'ENOENT' });
});

test('ID-04 an admission that is not of this node, or was changed, is refused before anything is written', async () => {
  const out = carried('n4.admission');
  const asked = await admit(request(3, 'n4'), out);
  assert.equal(asked.code, 0, asked.stderr);
  const joinFour = (file: string): Promise<Ended> =>
    stockade(['join', '--certificate', file, '--data', cluster.data(3), '--no-start']);
  const text = JSON.parse(readFileSync(out, 'utf8')) as Record<string, string>;
  const altered = (fields: Readonly<Record<string, string>>): Promise<Ended> =>
    joinFour(changed(out, carried('altered'), fields));
  const ofTwo = JSON.parse(readFileSync(carried('n2.admission'), 'utf8')) as typeof text;
  refused(await joinFour(carried('n2.admission')), 78, /is for node n2, not for n4/);
  refused(await altered({ cluster: 'f'.repeat(32) }), 78, /is for cluster f{32}, not for/);
  const { peerCertificate = '', clientCa = '', clusterRecord = '' } = ofTwo;
  refused(
    await altered({ peerCertificate }),
    78,
    /the key does not belong to the peer certificate/,
  );
  refused(await altered({ peerCa: clientCa }), 78, /certificate/);
  refused(await altered({ clusterRecord }), 78, /a cluster that has not admitted this node/);
  chmodSync(out, 0o644);
  refused(await joinFour(out), 78, /n4\.admission has mode 0644: others can touch it/);
  chmodSync(out, 0o600);
  const link = carried('link.admission');
  symlinkSync(out, link);
  refused(await joinFour(link), 78, /link\.admission is a symbolic link, which is not followed/);
  const notThat = changed(request(3, 'n4'), carried('altered'), {});
  refused(await joinFour(notThat), 78, /it is another kind of file/);
  assert.throws(() => statSync(join(cluster.data(3), 'node.yaml')), { code: 'ENOENT' });
  const again = await admit(request(3, 'n4'), carried('n4.again'));
  assert.equal(again.code, 0, 'the same request again is answered again');
  assert.equal((await joinFour(carried('n4.again'))).code, 0);
  refused(await joinFour(out), 78, /nothing waits for a certificate in/);
});

test('ID-05 a name that is a member is given to nobody else', async () => {
  assert.equal((await prepare(4, 'n2')).code, 0);
  const taken = await admit(request(4, 'n2'), carried('never'));
  refused(taken, 5, /n2 is a member already/);
});

test('without --out the admission is NAME.admission where the command runs; the same request replaces it, nothing else is overwritten', async () => {
  const here = carried('here');
  mkdirSync(here);
  const admitHere = (): Promise<Ended> =>
    stockade(['admit', '--request', request(3, 'n4'), '--data', cluster.data(0)], here);
  const own = join(here, 'n4.admission');
  for (const time of ['the first time', 'again']) {
    const admitted = await admitHere();
    assert.equal(admitted.code, 0, `${time}: ${admitted.stderr}`);
    assert.equal(admitted.stdout, `${own}\n`);
    assert.equal(statSync(own).mode & 0o777, 0o600);
  }
  assert.deepEqual(readdirSync(here), ['n4.admission']);
  for (const other of ['of the operator', readFileSync(carried('n2.admission'), 'utf8')]) {
    writeFileSync(own, other);
    refused(await admitHere(), 5, /n4\.admission is there already/);
    assert.equal(readFileSync(own, 'utf8'), other);
  }
});

test('while a CA is being rotated nobody is admitted, by token or by file, wherever it was signed, and that is said first', async () => {
  const authority = carried('rotating');
  cpSync(join(cluster.data(0), 'authority'), authority, { recursive: true });
  chmodSync(authority, 0o700);
  const rotate = (...more: readonly string[]) =>
    promisify(execFile)(process.execPath, [
      ...[certsTool, 'rotate', '--kind', 'peer', '--authority', authority, ...more],
    ]);
  const where = ['--data', cluster.data(0), '--authority', authority];
  const says =
    /the peer CA is being rotated: nobody can be admitted\n.*stockade-certs rotate --kind peer --status/;
  for (const stage of ['trust-both', 'reissue']) {
    await rotate(...(stage === 'reissue' ? ['--force'] : []));
    assert.match((await rotate('--status')).stdout, new RegExp(stage));
    const byToken = await stockade(['admit', 'n5', ...where]);
    refused(byToken, 78, says);
    assert.equal(byToken.stdout, '');
    refused(await stockade(['admit', '--request', request(3, 'n4'), ...where]), 78, says);
  }
  const signed = carried('signed');
  copyFileSync(join(authority, 'peer-ca.crt'), join(signed, 'peer-ca.crt'));
  const elsewhere = ['--certificates', signed, '--out', carried('never')];
  refused(
    await stockade(['admit', '--request', request(2, 'n3'), ...where, ...elsewhere]),
    78,
    says,
  );
});

test('admit with the folder of no node says that there is none', async () => {
  const nowhere = carried('nowhere');
  for (const what of [['n5'], ['--request', request(3, 'n4')]]) {
    refused(
      await stockade(['admit', ...what, '--data', nowhere]),
      78,
      /there is no folder .*nowhere/,
    );
  }
});

// The program's promises one by one: what it refuses, what it keeps, what it leaves in files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { keyPinOf } from '#certs-tool/key-pair.ts';
import { pemBlocksFrom } from '#certs-tool/pem.ts';
import { revocationListFrom } from '#certs-tool/read-revocation-list.ts';
import { isSealedKey } from '#certs-tool/sealed-key.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { type Place, placeFor } from './program-run.ts';

const text = (path: string): string => readFileSync(path, 'utf8');
const cluster = '0123456789abcdef0123456789abcdef';

/** A place with an authority and node n1 in certs/n1. */
const settled = (context: TestContext): Place => {
  const place = placeFor(context);
  assert.equal(place.run('ca', 'new', '--cluster', cluster).exit, 0);
  assert.equal(place.run('node', 'n1', '--host', 'n1.lan').exit, 0);
  return place;
};

const failure = (place: Place, ...words: readonly string[]) => {
  const { exit, err } = place.run(...words, '--json');
  const { error }: { error?: { code: string; why: string } } = JSON.parse(err.join('\n'));
  return { exit, code: error?.code, why: error?.why ?? '' };
};

/** Codes of the problems that verify finds in a folder. */
const problemsIn = (place: Place, folder: string): string[] => {
  const { exit, out } = place.run('verify', folder, '--json');
  const findings: { problems: { code: string }[] }[] = JSON.parse(out.join('\n'));
  const codes = findings.flatMap(({ problems }) => problems.map(({ code }) => code));
  assert.equal(exit, codes.length === 0 ? 0 : 1);
  return codes.sort();
};

test('the program itself runs, keeps data and messages apart and makes files nobody else reads', (context) => {
  placeFor(context);
  const main = join(import.meta.dirname, '..', '..', 'certs-tool', 'main.ts');
  const run = (command: string) =>
    spawnSync('sh', ['-c', `umask 000; exec "$0" "$1" ${command}`, process.execPath, main], {
      encoding: 'utf8',
    });
  const made = run('ca new --json');
  assert.equal(made.status, 0, made.stderr);
  assert.match(JSON.parse(made.stdout).cluster, /^[0-9a-f]{32}$/);
  assert.equal(made.stderr, '');
  for (const name of readdirSync('authority')) {
    const mode = lstatSync(join('authority', name)).mode & 0o777;
    assert.equal(mode, name.endsWith('.crt') ? 0o644 : 0o600, name);
  }
  assert.equal(lstatSync('authority').mode & 0o777, 0o700);
  const refused = run('ca new');
  assert.equal(refused.status, 5);
  assert.equal(refused.stdout, '');
  assert.match(refused.stderr, /^stockade-certs: no CA was made\n {2}why: .+\n {2}do: {2}.+\n$/);
  assert.match(run('--version').stdout, /^stockade-certs \d+\.\d+\.\d+\n$/);
});

test('a passphrase on standard input seals the CA keys and opens them again', (context) => {
  const place = placeFor(context);
  place.standardInput = 'six random words are enough\n';
  const piped = ['--passphrase-file', '-'];
  assert.equal(place.run('ca', 'new', ...piped).exit, 0);
  assert.ok(isSealedKey(text('authority/peer-ca.g1.key')));
  const without = failure(place, 'node', 'n1', '--host', 'n1.lan');
  assert.deepEqual([without.exit, without.code], [78, 'config_invalid']);
  assert.match(without.why, /under a passphrase/);
  assert.equal(place.run('node', 'n1', '--host', 'n1.lan', ...piped).exit, 0);
  place.standardInput = 'six other words are no use\n';
  const wrong = failure(place, 'node', 'n2', '--host', 'n2.lan', ...piped);
  assert.deepEqual([wrong.exit, wrong.code], [1, 'certificate_invalid']);
  assert.ok(!existsSync('certs/n2/node.key'));
});

test('a passphrase on standard input is read once, however many keys it opens', (context) => {
  const place = placeFor(context);
  const passphrase = 'six random words are enough';
  const inputs = [passphrase, '', ''];
  Object.defineProperty(place, 'standardInput', { get: () => inputs.shift() });
  writeFileSync('passphrase', `${passphrase}\n`, { mode: 0o600 });
  const file = ['--passphrase-file', 'passphrase'];
  assert.equal(place.run('ca', 'new', ...file).exit, 0);
  assert.equal(place.run('node', 'n1', '--host', 'n1.lan', ...file).exit, 0);
  assert.equal(place.run('https', '--host', 'n1.lan', '--out', 'certs/n1', ...file).exit, 0);
  assert.equal(place.run('renew', 'certs/n1', '--passphrase-file', '-').exit, 0);
});

test('a passphrase file that others can read is refused', (context) => {
  const place = placeFor(context);
  writeFileSync('passphrase', 'six random words are enough\n', { mode: 0o644 });
  const { exit, code } = failure(place, 'ca', 'new', '--passphrase-file', 'passphrase');
  assert.deepEqual([exit, code], [78, 'file_permissions']);
  assert.ok(!existsSync('authority/authority.json'));
});

test('a sealed CA is not replaced by one without a passphrase', (context) => {
  const place = placeFor(context);
  writeFileSync('passphrase', 'six random words are enough\n', { mode: 0o600 });
  place.run('ca', 'new', '--passphrase-file', 'passphrase');
  assert.equal(failure(place, 'rotate', '--kind', 'peer').exit, 78);
  assert.ok(!existsSync('authority/peer-ca.g2.key'));
  place.run('rotate', '--kind', 'peer', '--passphrase-file', 'passphrase');
  assert.ok(isSealedKey(text('authority/peer-ca.g2.key')));
});

test('revoking needs no passphrase: the certificate is out of force, the list comes later', (context) => {
  const place = placeFor(context);
  writeFileSync('passphrase', 'six random words are enough\n', { mode: 0o600 });
  const file = ['--passphrase-file', 'passphrase'];
  place.run('ca', 'new', ...file);
  place.run('client', 'ada', ...file);
  const { exit, err } = place.run('revoke', 'user:ada');
  assert.equal(exit, 0);
  assert.match(err.join('\n'), /client-ca.crl was not renewed/);
  assert.ok(!existsSync('authority/client-ca.crl'));
  assert.equal(failure(place, 'renew', 'certs/ada', ...file).code, 'guard');
  place.run('crl', ...file);
  const [list] = pemBlocksFrom(text('authority/client-ca.crl')).map(revocationListFrom);
  assert.equal(list?.serials.length, 1);
});

test('T19 an authority folder that others can enter is not used', (context) => {
  const place = settled(context);
  chmodSync('authority', 0o750);
  const { exit, code } = failure(place, 'client', 'ada');
  assert.deepEqual([exit, code], [78, 'file_permissions']);
});

test('T19 a CA key that others can read signs nothing', (context) => {
  const place = settled(context);
  chmodSync('authority/client-ca.g1.key', 0o640);
  const { exit, code } = failure(place, 'client', 'ada');
  assert.deepEqual([exit, code], [78, 'file_permissions']);
  assert.ok(!existsSync('certs/ada/user.ada.crt'));
});

test('PERM-03 a link in the place of a key stops the issuing before anything is signed', (context) => {
  const place = settled(context);
  mkdirSync('certs/ada', { mode: 0o700 });
  symlinkSync('/dev/null', 'certs/ada/user.ada.key');
  const before = text('authority/issued.jsonl');
  assert.equal(failure(place, 'client', 'ada').code, 'already_exists');
  assert.equal(text('authority/issued.jsonl'), before);
  assert.deepEqual(readdirSync('certs/ada'), ['user.ada.key']);
});

test('renewing keeps name, hosts and key of a node, and changes serial and dates', (context) => {
  const place = settled(context);
  const [before, key] = [text('certs/n1/node.crt'), text('certs/n1/node.key')];
  place.now = new Date('2030-01-01T00:00:00Z');
  place.json('renew', 'certs/n1');
  const after = text('certs/n1/node.crt');
  assert.equal(text('certs/n1/node.key'), key);
  assert.equal(keyPinOf(after), keyPinOf(before));
  const [old, renewed] = [before, after].map((pem) => new X509Certificate(pem));
  assert.ok(old !== undefined && renewed !== undefined);
  assert.equal(renewed.subjectAltName, old.subjectAltName);
  assert.equal(renewed.subject, old.subject);
  assert.notEqual(renewed.serialNumber, old.serialNumber);
  assert.ok(Date.parse(renewed.validTo) > place.now.getTime());
});

test('renewing gives users and servers a new key, unless told to reuse it', (context) => {
  const place = settled(context);
  place.run('client', 'ada');
  const pin = () => keyPinOf(text('certs/ada/user.ada.crt'));
  const first = pin();
  place.json('renew', 'certs/ada', '--reuse-key');
  assert.equal(pin(), first);
  place.json('renew', 'certs/ada');
  assert.notEqual(pin(), first);
  assert.deepEqual(problemsIn(place, 'certs/ada'), []);
  const { mode } = lstatSync('certs/ada/user.ada.key');
  assert.equal(mode & 0o777, 0o600);
});

test('a new key is not made where the old one is not', (context) => {
  const place = settled(context);
  place.run('client', 'ada');
  const before = text('certs/ada/user.ada.crt');
  rmSync('certs/ada/user.ada.key');
  assert.deepEqual(failure(place, 'renew', 'certs/ada').code, 'guard');
  assert.equal(text('certs/ada/user.ada.crt'), before);
  place.json('renew', 'certs/ada', '--reuse-key');
  assert.notEqual(text('certs/ada/user.ada.crt'), before);
});

test('T16 a certificate of a CA with the same name but another key is not renewed', (context) => {
  const place = settled(context);
  const id = clusterIdFrom(cluster);
  const authority = createAuthority({ kind: 'peer', cluster: id, now: place.now });
  const name = nodeNameFrom('n1');
  const forged = issueNode({ authority, cluster: id, name, hosts: ['n1.lan'], now: place.now });
  writeFileSync('certs/n1/node.crt', forged.certificate);
  const { exit, code } = failure(place, 'renew', 'certs/n1');
  assert.deepEqual([exit, code], [1, 'certificate_invalid']);
  assert.equal(text('certs/n1/node.crt'), forged.certificate);
});

test('revoking by serial and by file takes that one certificate, by holder all in force', (context) => {
  const place = settled(context);
  place.run('client', 'ada');
  copyFileSync('certs/ada/user.ada.crt', 'first.crt');
  place.run('renew', 'certs/ada');
  copyFileSync('certs/ada/user.ada.crt', 'second.crt');
  place.run('renew', 'certs/ada');
  const serialIn = (path: string) => new X509Certificate(text(path)).serialNumber;
  const spelled = serialIn('second.crt').match(/../g)?.join(':') ?? '';
  const revoked = (word: string) => {
    place.json('revoke', word);
    const [list] = pemBlocksFrom(text('authority/client-ca.crl')).map(revocationListFrom);
    return list?.serials.map((serial) => serial.toUpperCase());
  };
  const [one, two] = [serialIn('first.crt'), serialIn('second.crt')];
  assert.deepEqual(revoked('first.crt'), [one]);
  assert.deepEqual(revoked(spelled), [one, two]);
  assert.deepEqual(revoked('user:ada'), [one, two, serialIn('certs/ada/user.ada.crt')]);
  assert.equal(failure(place, 'revoke', 'first.crt').code, 'guard');
});

test('REV-06 every list of an authority has a higher number than the one before', (context) => {
  const place = settled(context);
  const numbers = [1, 2, 3].map(() => {
    place.json('crl', '--kind', 'peer');
    return pemBlocksFrom(text('authority/peer-ca.crl')).map(revocationListFrom)[0]?.number;
  });
  assert.deepEqual(numbers, [1, 2, 3]);
});

test('while a living process changes the folder another one does not; a dead one is no obstacle', (context) => {
  const place = settled(context);
  writeFileSync('authority/lock', '4711\n');
  for (const words of [['crl'], ['revoke', 'node:n1'], ['rotate', '--kind', 'peer']]) {
    const { exit, code, why } = failure(place, ...words);
    assert.deepEqual([exit, code], [5, 'guard'], why);
  }
  writeFileSync('authority/lock', '4712\n');
  place.json('crl');
  assert.ok(!existsSync('authority/lock'));
});

test('a cut last line of the inventory is named, not skipped', (context) => {
  const place = settled(context);
  appendFileSync('authority/issued.jsonl', '{"version":1,"serial":"4');
  const { exit, why } = failure(place, 'list');
  assert.equal(exit, 78);
  assert.match(why, /issued\.jsonl: line 2 is not a record/);
});

test('a state file of another version or shape is refused', (context) => {
  const place = settled(context);
  const good: Record<string, unknown> = JSON.parse(text('authority/authority.json'));
  for (const bad of [
    { ...good, version: 2 },
    { ...good, cluster: 7 },
    { ...good, peer: { issuing: 2, trusted: [1], latest: 2, crlNumber: 0 } },
    { ...good, peer: { issuing: 1, trusted: [], latest: 1, crlNumber: 0 } },
    { ...good, client: 'yes' },
    [],
    undefined,
  ]) {
    writeFileSync('authority/authority.json', JSON.stringify(bad) ?? '');
    assert.equal(failure(place, 'list').exit, 78, JSON.stringify(bad));
  }
});

test('the two CAs can live in two folders of one cluster', (context) => {
  const place = placeFor(context);
  place.json('ca', 'new', '--kind', 'peer', '--authority', 'peer', '--cluster', cluster);
  place.json('ca', 'new', '--kind', 'client', '--authority', 'client', '--cluster', cluster);
  const { exit, why } = failure(place, 'client', 'ada', '--authority', 'peer');
  assert.equal(exit, 78);
  assert.match(why, /holds no client CA/);
  place.json('client', 'ada', '--authority', 'client');
  place.json('ca', 'new', '--kind', 'client', '--authority', 'peer');
});

test('verify names what is wrong with dates, chain, key and permissions', (context) => {
  const place = settled(context);
  assert.deepEqual(problemsIn(place, 'certs/n1'), []);

  const { now } = place;
  place.now = new Date('2026-05-31T00:00:00Z');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['not_yet_valid']);
  place.now = new Date('2032-01-01T00:00:00Z');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['authority_expired', 'expired']);
  place.now = now;

  chmodSync('certs/n1/node.key', 0o640);
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['key_exposed']);
  chmodSync('certs/n1/node.key', 0o600);
  chmodSync('certs/n1', 0o770);
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['folder_exposed']);
  chmodSync('certs/n1', 0o700);

  const key = text('certs/n1/node.key');
  copyFileSync('authority/client-ca.g1.key', 'certs/n1/node.key');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['key_mismatch']);
  writeFileSync('certs/n1/node.key', 'garbage');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['unreadable']);
  rmSync('certs/n1/node.key');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['key_missing']);
  symlinkSync('../../authority/peer-ca.g1.key', 'certs/n1/node.key');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['authority_key_present', 'key_exposed']);
  rmSync('certs/n1/node.key');
  writeFileSync('certs/n1/node.key', key, { mode: 0o600 });

  copyFileSync('authority/peer-ca.g1.key', 'certs/n1/other.key');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['authority_key_present']);
  rmSync('certs/n1/other.key');
  copyFileSync('authority/client-ca.crt', 'certs/n1/peer-ca.crt');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['unknown_issuer']);
});

test('verify refuses a folder with nothing but CAs, and names a file that is no certificate', (context) => {
  const place = settled(context);
  copyFileSync('authority/peer-ca.crt', 'certs/n1/node.crt');
  assert.equal(failure(place, 'verify', 'certs/n1').exit, 78);
  writeFileSync('certs/n1/node.crt', 'garbage');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['unreadable']);
});

test('check looks into folders, tells soon from expired, and counts revocation lists', (context) => {
  const place = settled(context);
  place.run('client', 'ada');
  place.run('crl', '--kind', 'client');
  copyFileSync('authority/client-ca.crl', 'certs/ada/client-ca.crl');
  const states = (...words: readonly string[]) => {
    const { exit, out } = place.run('check', ...words, '--json');
    const rows: { path: string; state: string }[] = JSON.parse(out.join('\n'));
    return { exit, states: Object.fromEntries(rows.map(({ path, state }) => [path, state])) };
  };
  assert.equal(states('--warn', '29d').exit, 0);
  assert.deepEqual(states('--warn', '30d'), {
    exit: 1,
    states: {
      'certs/ada/client-ca.crl': 'soon',
      'certs/ada/client-ca.crt': 'ok',
      'certs/ada/user.ada.crt': 'soon',
      'certs/n1/node.crt': 'ok',
      'certs/n1/peer-ca.crt': 'ok',
    },
  });
  place.now = new Date('2026-07-01T12:00:00Z');
  assert.equal(states('certs/ada', '--warn', '1h').states['certs/ada/user.ada.crt'], 'expired');
});

test('text of others reaches the terminal with its control characters escaped', (context) => {
  const place = settled(context);
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-keyout', 'k', '-subj', '/CN=a\u001b[31mb', '-days', '1', '-out', 'evil.crt'],
  ]);
  if (made.status !== 0) {
    context.skip('no openssl command on this machine');
    return;
  }
  const { out } = place.run('inspect', 'evil.crt');
  assert.ok(out.includes('  subject      a\\u{1b}[31mb'), out.join('\n'));
});

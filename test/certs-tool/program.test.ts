// The program's promises one by one: what it refuses, what it keeps, what it leaves in files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildCertificate, leafName } from '#certs-tool/build-certificate.ts';
import { copyOf } from '#certs-tool/der-writer.ts';
import {
  authorityKeyIdentifier,
  extendedKeyUsage,
  leafConstraints,
  leafKeyUsage,
  subjectAltName,
} from '#certs-tool/extensions.ts';
import { hostsFrom } from '#certs-tool/host.ts';
import { keyPinOf, newKeyPair } from '#certs-tool/key-pair.ts';
import { oidClientAuth, oidServerAuth } from '#certs-tool/oid.ts';
import { pemBlocksFrom } from '#certs-tool/pem.ts';
import { certificateFrom } from '#certs-tool/read-certificate.ts';
import { revocationListFrom } from '#certs-tool/read-revocation-list.ts';
import { isSealedKey } from '#certs-tool/sealed-key.ts';
import { cluster, failure, placeFor, problemsIn, settled, text } from './program-run.ts';

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

test('a sealed CA is not replaced by one without a passphrase or under a mistyped one', (context) => {
  const place = placeFor(context);
  writeFileSync('passphrase', 'six random words are enough\n', { mode: 0o600 });
  place.run('ca', 'new', '--passphrase-file', 'passphrase');
  assert.equal(failure(place, 'rotate', '--kind', 'peer').exit, 78);
  writeFileSync('mistyped', 'six random words are enuogh\n', { mode: 0o600 });
  assert.equal(failure(place, 'rotate', '--kind', 'peer', '--passphrase-file', 'mistyped').exit, 1);
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

test('a wrong passphrase revokes nothing; a list that a revocation could not sign is made up for', (context) => {
  const place = placeFor(context);
  writeFileSync('passphrase', 'six random words are enough\n', { mode: 0o600 });
  writeFileSync('mistyped', 'six random words are enuogh\n', { mode: 0o600 });
  const file = ['--passphrase-file', 'passphrase'];
  place.run('ca', 'new', ...file);
  place.run('client', 'ada', ...file);
  const wrong = failure(place, 'revoke', 'user:ada', '--passphrase-file', 'mistyped');
  assert.deepEqual([wrong.exit, wrong.code], [1, 'certificate_invalid']);
  assert.ok(!existsSync('authority/revoked.jsonl'));
  assert.equal(place.run('revoke', 'user:ada').exit, 0);
  const again = failure(place, 'revoke', 'user:ada');
  assert.deepEqual([again.exit, again.code], [5, 'guard']);
  assert.match(again.why, /was revoked on 2026-06-01/);
  const { exit, err } = place.run('revoke', 'user:ada', ...file);
  assert.equal(exit, 0);
  assert.match(err.join('\n'), /was revoked on 2026-06-01T12:00:00Z; the list now says so/);
  const [list] = pemBlocksFrom(text('authority/client-ca.crl')).map(revocationListFrom);
  assert.equal(list?.serials.length, 1);
  assert.equal(failure(place, 'revoke', 'user:ada', ...file).code, 'guard');
  assert.equal(text('authority/revoked.jsonl').trim().split('\n').length, 1);
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

test('renewing is for all or nobody: one that may not be renewed leaves all files as they are', (context) => {
  const place = settled(context);
  place.run('https', '--host', 'n1.lan', '--out', 'certs/n1');
  place.json('revoke', 'node:n1');
  const names = readdirSync('certs/n1');
  const before = names.map((name) => text(join('certs/n1', name)));
  const issued = text('authority/issued.jsonl');
  const { exit, code } = failure(place, 'renew', 'certs/n1');
  assert.deepEqual([exit, code], [5, 'guard']);
  assert.deepEqual(readdirSync('certs/n1'), names);
  assert.deepEqual(
    names.map((name) => text(join('certs/n1', name))),
    before,
  );
  assert.equal(text('authority/issued.jsonl'), issued);
});

test('a certificate that cannot be written leaves the old key and certificate as they were', (context) => {
  const place = settled(context);
  place.run('client', 'ada');
  place.run('client', 'bob');
  mkdirSync('certs/bob/user.bob.crt.new/x', { recursive: true });
  assert.equal(failure(place, 'renew', 'certs/ada', 'certs/bob').code, 'storage_failed');
  assert.deepEqual(problemsIn(place, 'certs/ada'), []);
  assert.deepEqual(problemsIn(place, 'certs/bob'), []);
  assert.ok(!existsSync('certs/bob/user.bob.key.new'));
  rmSync('certs/bob/user.bob.crt.new', { recursive: true });
  // Named twice, it is renewed once.
  assert.equal(place.run('renew', 'certs/bob', './certs/bob/user.bob.crt').exit, 0);
  assert.deepEqual(problemsIn(place, 'certs/bob'), []);
});

test('a node gets no new key: its cluster has the old one on record', (context) => {
  const place = settled(context);
  const before = ['node.crt', 'node.key'].map((name) => text(join('certs/n1', name)));
  const { exit, code, why } = failure(place, 'renew', 'certs/n1', '--new-key');
  assert.deepEqual([exit, code], [5, 'guard']);
  assert.match(why, /node:n1 is on record in its cluster/);
  assert.deepEqual(
    ['node.crt', 'node.key'].map((name) => text(join('certs/n1', name))),
    before,
  );
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

test('T16 a certificate in the name of the CA that another key has signed is not renewed', (context) => {
  const place = settled(context);
  const { subject, extensions } = certificateFrom(text('authority/peer-ca.crt'));
  const signer = createPrivateKey(newKeyPair().key);
  const forged = buildCertificate(
    {
      serial: Uint8Array.of(0x40, 1),
      issuer: copyOf(subject.node),
      notBefore: place.now,
      notAfter: new Date('2026-07-01T00:00:00Z'),
      subject: leafName('n1'),
      publicKey: createPublicKey(signer),
      extensions: [
        leafConstraints(),
        leafKeyUsage(),
        extendedKeyUsage([oidServerAuth, oidClientAuth]),
        subjectAltName(`spiffe://${cluster}/node/n1`, hostsFrom(['n1.lan'])),
        authorityKeyIdentifier(Buffer.from(extensions.keyId ?? '', 'hex')),
      ],
    },
    signer,
  );
  writeFileSync('certs/n1/node.crt', forged);
  const { exit, code } = failure(place, 'renew', 'certs/n1');
  assert.deepEqual([exit, code], [1, 'certificate_invalid']);
  assert.equal(text('certs/n1/node.crt'), forged);
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

test('during a rotation each list names only what its own CA has issued', (context) => {
  const place = settled(context);
  place.json('rotate', '--kind', 'peer');
  place.json('revoke', 'node:n1');
  const lists = pemBlocksFrom(text('authority/peer-ca.crl')).map(revocationListFrom);
  assert.deepEqual(
    lists.map(({ issuer, serials }) => [issuer.commonName?.slice(-2), serials.length]),
    [
      ['g2', 0],
      ['g1', 1],
    ],
  );
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

test('a cut line of the inventory and one of another version are named, not skipped', (context) => {
  const place = settled(context);
  const good = text('authority/issued.jsonl');
  for (const bad of ['{"version":1,"serial":"4', good.replace('"version":1', '"version":2')]) {
    writeFileSync('authority/issued.jsonl', good + bad);
    const { exit, why } = failure(place, 'list');
    assert.equal(exit, 78);
    assert.match(why, /issued\.jsonl: line 2 is not a record/);
  }
});

test('nothing is issued behind a line that was cut; a line that lacks only its end gets one', (context) => {
  const place = settled(context);
  const good = text('authority/issued.jsonl');
  writeFileSync('authority/issued.jsonl', `${good}{"version":1,"ser`);
  const { exit, why } = failure(place, 'client', 'ada');
  assert.equal(exit, 78);
  assert.match(why, /issued\.jsonl: line 2 is not a record/);
  assert.ok(!existsSync('certs/ada/user.ada.crt'));
  assert.equal(text('authority/issued.jsonl'), `${good}{"version":1,"ser`);
  writeFileSync('authority/issued.jsonl', good.trimEnd());
  place.json('client', 'ada');
  assert.equal(text('authority/issued.jsonl').split('\n').length, 3);
  assert.equal(place.run('list').out.length, 2);
});

/** What stops the folder's state from being written, until it is called. */
const stuckState = (): (() => void) => {
  mkdirSync('authority/authority.json.new/x', { recursive: true, mode: 0o700 });
  return () => rmSync('authority/authority.json.new', { recursive: true });
};

test('a CA that was made and not recorded is made anew by the same command', (context) => {
  const place = placeFor(context);
  const free = stuckState();
  assert.equal(failure(place, 'ca', 'new').code, 'storage_failed');
  free();
  place.json('ca', 'new');
  place.json('node', 'n1', '--host', 'n1.lan');
  assert.deepEqual(problemsIn(place, 'certs/n1'), []);
  const freeAgain = stuckState();
  assert.equal(failure(place, 'rotate', '--kind', 'peer').code, 'storage_failed');
  const [state, left] = ['authority/authority.json', 'authority/peer-ca.g2.key'].map(text);
  freeAgain();
  place.json('rotate', '--kind', 'peer');
  assert.notEqual(text('authority/peer-ca.g2.key'), left);
  assert.equal(text('authority/peer-ca.crt').match(/BEGIN CERTIFICATE/g)?.length, 2);
  // One that has been trusted is in use, whatever an old state says.
  const used = text('authority/peer-ca.g2.key');
  writeFileSync('authority/authority.json', state ?? '');
  const { exit, why } = failure(place, 'rotate', '--kind', 'peer');
  assert.equal(exit, 5);
  assert.match(
    why,
    /g2\.key is there and has been in use, and authority\.json does not know of it/,
  );
  assert.equal(text('authority/peer-ca.g2.key'), used);
});

test('a trust file that a crash left behind the state is made again by the next rotate', (context) => {
  const place = settled(context);
  const old = text('authority/peer-ca.crt');
  place.json('rotate', '--kind', 'peer');
  const both = text('authority/peer-ca.crt');
  writeFileSync('authority/peer-ca.crt', old);
  assert.equal(failure(place, 'rotate', '--kind', 'peer').code, 'guard');
  assert.equal(text('authority/peer-ca.crt'), both);
});

test('a lifetime that is refused leaves no folder behind', (context) => {
  const place = placeFor(context);
  assert.equal(failure(place, 'ca', 'new', '--days', '99999').exit, 78);
  assert.ok(!existsSync('authority'));
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

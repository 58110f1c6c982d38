// `verify`, `check` and `inspect`: what they find, and that no file of any content breaks them.
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { openssl, withoutOpenssl } from './openssl.ts';
import { cluster, failure, problemsIn, settled, text } from './program-run.ts';

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

test('verify goes by the files that a server reads, not by others that lie about', (context) => {
  const place = settled(context);
  place.run('https', '--host', 'n1.lan', '--out', 'certs/n1');
  assert.deepEqual(problemsIn(place, 'certs/n1'), []);
  renameSync('certs/n1/peer-ca.crt', 'certs/n1/foo.crt');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['trust_missing']);
  copyFileSync('certs/n1/client-ca.crt', 'certs/n1/peer-ca.crt');
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['unknown_issuer']);
  rmSync('certs/n1/peer-ca.crt');
  renameSync('certs/n1/foo.crt', 'certs/n1/peer-ca.crt');
  for (const end of ['crt', 'key']) copyFileSync(`certs/n1/https.${end}`, `certs/n1/node.${end}`);
  assert.deepEqual(problemsIn(place, 'certs/n1'), ['wrong_place']);
});

test('check follows links to folders, given or found', (context) => {
  const place = settled(context);
  mkdirSync('m');
  symlinkSync('../certs/n1', 'm/n1');
  for (const folder of ['m', 'm/n1']) {
    const { exit, out } = place.run('check', folder, '--warn', '1d');
    assert.equal(exit, 0);
    assert.match(out.join('\n'), /m\/n1\/node\.crt/);
  }
  symlinkSync('.', 'm/self');
  assert.equal(place.run('check', 'm', '--warn', '1d').exit, 0);
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

test('a file of any content makes inspect, csr and sign refuse, never fail', (context) => {
  const place = settled(context);
  const labels = ['CERTIFICATE', 'CERTIFICATE REQUEST', 'X509 CRL', 'PRIVATE KEY', 'OTHER'];
  const contents = ['', 'MAA=', 'MIID', text('certs/n1/node.crt').split('\n').slice(1, 4).join('')];
  for (const label of labels) {
    for (const content of contents) {
      writeFileSync('x', `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----\n`, {
        mode: 0o600,
      });
      const readable = label === 'OTHER';
      assert.equal(place.run('inspect', 'x').exit, readable ? 0 : 1, `${label} ${content}`);
      assert.equal(place.run('sign', 'x', '--as', 'user:ada').exit, 1);
      assert.equal(place.run('csr', 'user:ada', '--cluster', cluster, '--key', 'x').exit, 1);
    }
  }
});

test('text of others reaches the terminal with its control characters escaped', {
  skip: withoutOpenssl,
}, (context) => {
  const place = settled(context);
  const made = openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-keyout', 'k', '-subj', '/CN=a\u001b[31mb', '-days', '1', '-out', 'evil.crt'],
  );
  assert.equal(made.status, 0, made.text);
  const { out } = place.run('inspect', 'evil.crt');
  assert.ok(out.includes('  subject      a\\u{1b}[31mb'), out.join('\n'));
});

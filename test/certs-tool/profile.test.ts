// Every field of the profile, read back by openssl or by walking the DER, never by the code that
// wrote it.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps, issueNode, issueUser } from '#certs-tool/issue.ts';
import { keyPinOf } from '#certs-tool/key-pair.ts';
import { ada, clientCa, cluster, evenBytes, n1, now, otherCluster, peerCa } from './fixture.ts';
import { openssl, withoutOpenssl } from './openssl.ts';
import { temporaryFolder } from './temporary-folder.ts';

const node = issueNode({
  authority: peerCa,
  cluster,
  name: n1,
  hosts: ['N1.example.com', '10.0.0.1', 'fe80::1', 'n1.example.com'],
  now,
  randomBytes: evenBytes,
});
const https = issueHttps({
  authority: clientCa,
  cluster,
  hosts: ['10.0.0.1', 'api.example.com'],
  now,
  randomBytes: evenBytes,
});
const user = issueUser({ authority: clientCa, cluster, name: ada, now, randomBytes: evenBytes });

/** openssl's own reading, without the parts that are random. */
const textOf = (context: TestContext, pem: string): string => {
  const path = join(temporaryFolder(context), 'certificate.pem');
  writeFileSync(path, pem);
  const { text, status } = openssl('x509', '-in', path, '-noout', '-text');
  assert.equal(status, 0, text);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !/^([0-9a-f]{2}:)+[0-9a-f]{0,2}$/.test(line))
    .map((line) => line.replace(/\b([0-9A-F]{2}:){19}[0-9A-F]{2}\b/, 'KEY-ID'))
    .filter((line) => line !== '' && line !== 'pub:')
    .join('\n');
};

const leafText = (issuer: string, validity: readonly string[], subject: string) => [
  'Certificate:',
  'Data:',
  'Version: 3 (0x2)',
  'Serial Number:',
  'Signature Algorithm: ecdsa-with-SHA256',
  `Issuer: O = Stockade, OU = ${cluster}, CN = ${cluster} ${issuer} CA g1`,
  'Validity',
  ...validity,
  `Subject: ${subject}`,
  'Subject Public Key Info:',
  'Public Key Algorithm: id-ecPublicKey',
  'Public-Key: (256 bit)',
  'ASN1 OID: prime256v1',
  'NIST CURVE: P-256',
  'X509v3 extensions:',
];

const leafExtensions = (purposes: string, names: string) => [
  'X509v3 Basic Constraints: critical',
  'CA:FALSE',
  'X509v3 Key Usage: critical',
  'Digital Signature',
  'X509v3 Extended Key Usage:',
  purposes,
  'X509v3 Subject Alternative Name:',
  names,
  'X509v3 Subject Key Identifier:',
  'KEY-ID',
  'X509v3 Authority Key Identifier:',
  'KEY-ID',
  'Signature Algorithm: ecdsa-with-SHA256',
  'Signature Value:',
];

/** A year and 0.4 percent of its spread: what evenBytes draws is just above the middle. */
const year = ['Not Before: Jun  1 11:55:00 2026 GMT', 'Not After : Jun  1 15:26:07 2027 GMT'];

const skip = withoutOpenssl;

for (const kind of ['peer', 'client'] as const) {
  test(`the ${kind} CA has every field of the profile and no other`, { skip }, (context) => {
    const { certificate } = createAuthority({ kind, cluster, now, generation: 7 });
    const name = `O = Stockade, OU = ${cluster}, CN = ${cluster} ${kind} CA g7`;
    assert.equal(
      textOf(context, certificate),
      [
        ...leafText(kind, ['Not Before: Jun  1 11:55:00 2026 GMT'], name)
          .map((line) => (line.startsWith('Issuer:') ? `Issuer: ${name}` : line))
          .flatMap((line) =>
            line.startsWith('Not Before') ? [line, 'Not After : May 31 12:00:00 2031 GMT'] : [line],
          ),
        'X509v3 Basic Constraints: critical',
        'CA:TRUE, pathlen:0',
        'X509v3 Key Usage: critical',
        'Certificate Sign, CRL Sign',
        'X509v3 Subject Key Identifier:',
        'KEY-ID',
        'Signature Algorithm: ecdsa-with-SHA256',
        'Signature Value:',
      ].join('\n'),
    );
  });
}

test("a node's certificate has every field of the profile and no other", { skip }, (context) => {
  const names =
    `URI:spiffe://${cluster}/node/n1, DNS:n1.example.com, ` +
    'IP Address:10.0.0.1, IP Address:FE80:0:0:0:0:0:0:1';
  assert.equal(
    textOf(context, node.certificate),
    [
      ...leafText('peer', year, 'CN = n1'),
      ...leafExtensions('TLS Web Server Authentication, TLS Web Client Authentication', names),
    ].join('\n'),
  );
});

test("an HTTPS server's certificate has every field of the profile and no other", {
  skip,
}, (context) => {
  assert.equal(
    textOf(context, https.certificate),
    [
      ...leafText('client', year, 'CN = 10.0.0.1'),
      ...leafExtensions(
        'TLS Web Server Authentication',
        'IP Address:10.0.0.1, DNS:api.example.com',
      ),
    ].join('\n'),
  );
});

test("a user's certificate has every field of the profile and no other", { skip }, (context) => {
  const month = ['Not Before: Jun  1 11:55:00 2026 GMT', 'Not After : Jul  1 12:00:00 2026 GMT'];
  assert.equal(
    textOf(context, user.certificate),
    [
      ...leafText('client', month, 'CN = ada'),
      ...leafExtensions('TLS Web Client Authentication', `URI:spiffe://${cluster}/user/ada`),
    ].join('\n'),
  );
});

test('a serial has 16 bytes, is positive and begins with 0x40 to 0x7f whatever is drawn', () => {
  const byte = (value: number) => (size: number) => new Uint8Array(size).fill(value);
  for (const [drawn, first] of [
    [0x00, '40'],
    [0x3f, '7f'],
    [0x80, '40'],
    [0xff, '7f'],
  ] as const) {
    const { certificate } = issueUser({
      authority: clientCa,
      cluster,
      name: ada,
      now,
      randomBytes: byte(drawn),
    });
    const { serialNumber } = new X509Certificate(certificate);
    assert.equal(serialNumber.length, 32);
    assert.equal(serialNumber.slice(0, 2).toLowerCase(), first);
  }
});

test('two certificates for one holder have different serials and different keys', () => {
  const [one, two] = [0, 1].map(() => issueUser({ authority: clientCa, cluster, name: ada, now }));
  assert.ok(one !== undefined && two !== undefined);
  assert.notEqual(
    new X509Certificate(one.certificate).serialNumber,
    new X509Certificate(two.certificate).serialNumber,
  );
  assert.notEqual(keyPinOf(one.certificate), keyPinOf(two.certificate));
});

test('the end of a node and an HTTPS certificate is spread by ten percent, of a user by none', () => {
  const endAt = (byte: number, issue: typeof issueNode | typeof issueUser): number => {
    const randomBytes = (size: number) => new Uint8Array(size).fill(byte);
    const { certificate } =
      issue === issueUser
        ? issueUser({ authority: clientCa, cluster, name: ada, now, randomBytes })
        : issueNode({ authority: peerCa, cluster, name: n1, hosts: ['n1'], now, randomBytes });
    const days =
      (Date.parse(new X509Certificate(certificate).validTo) - now.getTime()) / 86_400_000;
    return Math.round(days * 10) / 10;
  };
  assert.deepEqual([endAt(0, issueNode), endAt(0xff, issueNode)], [328.5, 401.5]);
  assert.deepEqual([endAt(0, issueUser), endAt(0xff, issueUser)], [30, 30]);
});

test('a certificate never outlives the CA that signs it', () => {
  const authority = createAuthority({ kind: 'peer', cluster, now, validDays: 10 });
  const { certificate } = issueNode({ authority, cluster, name: n1, hosts: ['n1'], now });
  assert.equal(
    new X509Certificate(certificate).validTo,
    new X509Certificate(authority.certificate).validTo,
  );
});

test('dates from 2050 are written so that openssl and node read them', { skip }, (context) => {
  const late = new Date('2049-12-31T23:58:00Z');
  const { certificate } = createAuthority({ kind: 'peer', cluster, now: late });
  const text = textOf(context, certificate);
  assert.match(text, /Not Before: Dec 31 23:53:00 2049 GMT\nNot After : Dec 30 23:58:00 2054 GMT/);
});

test('the key pin is the SHA-256 of the SPKI, as node:crypto exports it', () => {
  const spki = new X509Certificate(node.certificate).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  assert.equal(keyPinOf(node.certificate), createHash('sha256').update(spki).digest('hex'));
});

test('with a public key of the holder only a certificate comes back, for that key', () => {
  const publicKey = new X509Certificate(node.certificate).publicKey
    .export({ type: 'spki', format: 'pem' })
    .toString();
  const issued = issueNode({ authority: peerCa, cluster, name: n1, hosts: ['n1'], now, publicKey });
  assert.equal(issued.key, undefined);
  assert.equal(keyPinOf(issued.certificate), keyPinOf(node.certificate));
});

test('T16 a CA of the other kind, of another cluster or out of its dates signs nothing', () => {
  const hosts = ['n1'];
  const refused = { code: 'certificate_invalid' };
  const wanted = { authority: peerCa, cluster, name: n1, hosts, now };
  const later = new Date('2040-01-01T00:00:00Z');
  assert.throws(() => issueNode({ ...wanted, authority: clientCa }), refused);
  assert.throws(() => issueUser({ authority: peerCa, cluster, name: ada, now }), refused);
  assert.throws(() => issueNode({ ...wanted, cluster: otherCluster }), refused);
  assert.throws(() => issueNode({ ...wanted, now: later }), refused);
  assert.throws(
    () => issueNode({ ...wanted, authority: { ...peerCa, key: clientCa.key } }),
    refused,
  );
});

test('T16 a leaf signs nothing, not even with its own key', () => {
  const { certificate, key } = node;
  assert.throws(
    () => issueNode({ authority: { certificate, key }, cluster, name: n1, hosts: ['n1'], now }),
    { code: 'certificate_invalid' },
  );
});

test('a lifetime of nothing, of a fraction below it or beyond the bound is refused', () => {
  for (const validDays of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 91]) {
    assert.throws(() => issueUser({ authority: clientCa, cluster, name: ada, now, validDays }), {
      code: 'config_invalid',
    });
  }
});

// Requests, above all hostile ones: each is refused with its reason, and of an accepted one nothing
// but the public key reaches the certificate.
import assert from 'node:assert/strict';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import 'reflect-metadata';
import * as peculiar from '@peculiar/x509';
import { leafName, signed } from '#certs-tool/build-certificate.ts';
import { derFrom } from '#certs-tool/der-reader.ts';
import {
  bitString,
  booleanTrue,
  copyOf,
  type DerValue,
  derOf,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  smallInteger,
  tagged,
  taggedBytes,
} from '#certs-tool/der-writer.ts';
import { authorityConstraints, authorityKeyUsage, subjectAltName } from '#certs-tool/extensions.ts';
import type { Holder } from '#certs-tool/holder.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { newKeyPair, publicKeyInfo } from '#certs-tool/key-pair.ts';
import { oidExtensionRequest, oidSubjectAltName } from '#certs-tool/oid.ts';
import { pemOf } from '#certs-tool/pem.ts';
import { certificateFrom } from '#certs-tool/read-certificate.ts';
import { createRequest, judgeRequest } from '#certs-tool/request.ts';
import { ada, cluster, n1, now, otherCluster, peerCa } from './fixture.ts';
import { openssl, withoutOpenssl } from './openssl.ts';
import { temporaryFolder } from './temporary-folder.ts';

const holder: Holder = { kind: 'node', name: n1 };
const mine = `spiffe://${cluster}/node/n1`;
const { key } = newKeyPair();
const privateKey = createPrivateKey(key);

interface Parts {
  readonly subject?: DerValue;
  readonly extensions?: readonly DerValue[];
  readonly attributes?: readonly DerValue[];
  readonly keyInfo?: DerValue;
  readonly signer?: KeyObject;
}

/** A request with whatever an attacker likes in it, correctly signed unless `signer` differs. */
const forge = ({ subject, extensions, attributes, keyInfo, signer }: Parts): string => {
  const asked = sequence(
    objectIdentifier(oidExtensionRequest),
    setOf(sequence(...(extensions ?? []))),
  );
  const info = sequence(
    smallInteger(0),
    subject ?? leafName('n1'),
    keyInfo ?? publicKeyInfo(createPublicKey(privateKey)),
    tagged(0, ...(attributes ?? [asked])),
  );
  return pemOf('CERTIFICATE REQUEST', signed(info, signer ?? privateKey));
};

/** SAN with any URIs, which the writer of the product cannot make. */
const uris = (...texts: readonly string[]): DerValue =>
  sequence(
    objectIdentifier(oidSubjectAltName),
    octetString(derOf(sequence(...texts.map((text) => taggedBytes(6, Buffer.from(text)))))),
  );

const reasonOf = (pem: string): string => {
  const verdict = judgeRequest(pem, holder, cluster);
  return verdict.kind === 'refused' ? verdict.reason : 'accepted';
};

test('a request of our own is accepted and its key is the only thing that is taken over', () => {
  const made = createRequest({ cluster, holder, hosts: ['evil.example', '10.6.6.6'] });
  const verdict = judgeRequest(made.request, holder, cluster);
  assert.ok(verdict.kind === 'accepted');
  assert.deepEqual(verdict.hosts, ['evil.example', '10.6.6.6']);
  const { publicKey } = verdict;
  const hosts = ['n1.lan'];
  const issued = issueNode({ authority: peerCa, cluster, name: n1, hosts, now, publicKey });
  const view = certificateFrom(issued.certificate);
  assert.ok(view.certificate.checkPrivateKey(createPrivateKey(made.key)));
  assert.deepEqual(view.extensions.hosts, ['n1.lan']);
  assert.deepEqual(view.extensions.uris, [mine]);
});

test('openssl and @peculiar/x509 find our request well signed', {
  skip: withoutOpenssl,
}, async (context) => {
  const { request } = createRequest({ cluster, holder, hosts: ['n1.lan'], key });
  const path = join(temporaryFolder(context), 'request.csr');
  writeFileSync(path, request);
  const { text, status } = openssl('req', '-in', path, '-verify', '-noout', '-text');
  assert.equal(status, 0, text);
  assert.match(text, /verify OK/);
  assert.match(text, new RegExp(`URI:${mine}, DNS:n1.lan`));
  assert.ok(await new peculiar.Pkcs10CertificateRequest(request).verify());
});

test('a plain request that openssl made is accepted', { skip: withoutOpenssl }, (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'key'), key);
  const { status, text } = openssl(
    ...['req', '-new', '-key', join(folder, 'key'), '-subj', '/CN=n1'],
    ...['-addext', 'subjectAltName=DNS:n1.lan', '-out', join(folder, 'csr')],
  );
  assert.equal(status, 0, text);
  assert.equal(reasonOf(readFileSync(join(folder, 'csr'), 'utf8')), 'accepted');
});

test('TLS-24 a request to become a CA, or to sign certificates or lists, is refused', () => {
  assert.equal(reasonOf(forge({ extensions: [authorityConstraints()] })), 'asks_for_authority');
  assert.equal(reasonOf(forge({ extensions: [authorityKeyUsage()] })), 'asks_for_authority');
});

test('ID-02 a request for two URIs is refused, also when both are the right one', () => {
  const other = `spiffe://${cluster}/node/n2`;
  assert.equal(reasonOf(forge({ extensions: [uris(mine, other)] })), 'two_uris');
  assert.equal(reasonOf(forge({ extensions: [uris(mine, mine)] })), 'two_uris');
});

test('T13 a request for another name, kind or cluster is refused', () => {
  for (const uri of [
    `spiffe://${cluster}/node/n2`,
    `spiffe://${cluster}/user/n1`,
    `spiffe://${otherCluster}/node/n1`,
    `${mine}/`,
    `${mine}?`,
    'https://n1',
    '',
  ]) {
    assert.equal(reasonOf(forge({ extensions: [uris(uri)] })), 'other_name', uri);
  }
  assert.equal(reasonOf(forge({ subject: leafName('n2') })), 'other_name');
  assert.equal(
    reasonOf(
      createRequest({ cluster, holder: { kind: 'user', name: ada }, hosts: [], key }).request,
    ),
    'other_name',
  );
});

test('a request for a mail address or another odd name is refused', () => {
  const mail = sequence(
    objectIdentifier(oidSubjectAltName),
    octetString(derOf(sequence(taggedBytes(1, Buffer.from('root@example.com'))))),
  );
  assert.equal(reasonOf(forge({ extensions: [mail] })), 'other_name');
});

test('a request that another key has signed is refused', () => {
  const signer = createPrivateKey(newKeyPair().key);
  assert.equal(reasonOf(forge({ signer })), 'bad_signature');
});

test('a request that was changed after signing is refused', () => {
  const bytes = Buffer.from(forge({}).split('\n').slice(1, -2).join(''), 'base64');
  const at = bytes.indexOf('n1');
  bytes.write('n2', at);
  assert.equal(reasonOf(pemOf('CERTIFICATE REQUEST', bytes)), 'bad_signature');
});

test('TLS-23 a key that is not ECDSA on P-256 is refused', () => {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    generateKeyPairSync('ed25519'),
  ];
  for (const { publicKey } of keys) {
    const keyInfo = copyOf(derFrom(publicKey.export({ type: 'spki', format: 'der' })));
    assert.equal(reasonOf(forge({ keyInfo })), 'key_type');
  }
  const unknown = sequence(sequence(objectIdentifier('1.2.3')), bitString(new Uint8Array(32)));
  assert.equal(reasonOf(forge({ keyInfo: unknown })), 'key_type');
});

test('TLS-23 an RSA request that openssl made is refused for its key', {
  skip: withoutOpenssl,
}, (context) => {
  const path = join(temporaryFolder(context), 'csr');
  const { status, text } = openssl(
    ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${path}.key`],
    ...['-subj', '/CN=n1', '-out', path],
  );
  assert.equal(status, 0, text);
  assert.equal(reasonOf(readFileSync(path, 'utf8')), 'key_type');
});

test('TLS-25 a huge request is refused before anything of it is read', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `spiffe://${index}`);
  assert.equal(reasonOf(forge({ extensions: [uris(...names)] })), 'too_large');
  assert.equal(reasonOf('-----BEGIN '.repeat(1_000_000)), 'too_large');
});

test('what is no single well-formed request is refused as malformed', () => {
  const asked = sequence(objectIdentifier(oidExtensionRequest), setOf(sequence(uris(mine))));
  const twice = sequence(uris(mine), uris(mine));
  const unprintable = uris(`${mine}\u0007`);
  for (const [why, pem] of [
    ['empty', ''],
    ['prose', 'hello'],
    ['a certificate', peerCa.certificate],
    ['two requests', forge({}) + forge({})],
    ['no DER', pemOf('CERTIFICATE REQUEST', Buffer.from('hello'))],
    ['two attributes for extensions', forge({ attributes: [asked, asked] })],
    [
      'an extension twice',
      forge({ attributes: [sequence(objectIdentifier(oidExtensionRequest), setOf(twice))] }),
    ],
    ['a name with a control character', forge({ extensions: [unprintable] })],
    ['no attributes', pemOf('CERTIFICATE REQUEST', signed(sequence(smallInteger(0)), privateKey))],
    ['an extension that is a flag alone', forge({ extensions: [sequence(booleanTrue())] })],
  ] as const) {
    assert.equal(reasonOf(pem), 'malformed', why);
  }
});

test('a request with any one byte changed is refused', () => {
  const bytes = Buffer.from(
    forge({ extensions: [subjectAltName(mine, [])] })
      .split('\n')
      .slice(1, -2)
      .join(''),
    'base64',
  );
  for (const at of bytes.keys()) {
    for (const change of [0x01, 0x02, 0x04, 0x20, 0x80, 0xff]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ change;
      const reason = reasonOf(pemOf('CERTIFICATE REQUEST', changed));
      assert.notEqual(reason, 'accepted', `byte ${at} changed by ${change}`);
    }
  }
});

// Whom a certificate names, by the certificate alone: everything that OpenSSL would let pass.
import assert from 'node:assert/strict';
import { hash, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { leafKeyUsage } from '#certs-tool/extensions.ts';
import { oidClientAuth, oidServerAuth } from '#certs-tool/oid.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { peerIdentityOf } from '#tls/peer-identity.ts';
import { userIdentityOf } from '#tls/user-identity.ts';
import {
  type Changes,
  cluster,
  issueHostile,
  namesOf,
  uriOf,
  urisOf,
} from './hostile-certificates.ts';

const facts = { authorized: true, alpnProtocol: 'stockade-peer/1', sessionReused: false };
const anyName = { cluster, name: undefined };
const other = 'f'.repeat(32);

const certificateOf = (changes: Changes = {}): X509Certificate =>
  new X509Certificate(issueHostile(changes).certificate);

const reasonOf = (changes: Changes, expected = anyName): string => {
  const judged = peerIdentityOf(certificateOf(changes), facts, expected);
  return judged.kind === 'refused' ? judged.reason : judged.kind;
};

test('a node certificate of our cluster names its node, its key and its serial', () => {
  const certificate = certificateOf();
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  assert.deepEqual(peerIdentityOf(certificate, facts, { cluster, name: nodeNameFrom('n2') }), {
    kind: 'node',
    name: 'n2',
    keyPin: hash('sha256', spki, 'hex'),
    serial: certificate.serialNumber,
    issuer: '',
    notAfterMs: Date.parse(certificate.validTo),
    certificate,
  });
});

test('a handshake that was not verified, was resumed or has no ALPN proves nobody', () => {
  const certificate = certificateOf();
  const judge = (changed: Partial<typeof facts> | { alpnProtocol: false }) =>
    peerIdentityOf(certificate, { ...facts, ...changed }, anyName);
  assert.deepEqual(judge({ authorized: false }), { kind: 'refused', reason: 'not_authorized' });
  assert.deepEqual(judge({ sessionReused: true }), { kind: 'refused', reason: 'session_reused' });
  for (const alpnProtocol of [false, 'http/1.1', 'stockade-join/1'] as const) {
    const judged = peerIdentityOf(certificate, { ...facts, alpnProtocol }, anyName);
    assert.deepEqual(judged, { kind: 'refused', reason: 'wrong_protocol' });
  }
  assert.deepEqual(peerIdentityOf(undefined, facts, anyName), {
    kind: 'refused',
    reason: 'no_certificate',
  });
});

test('TLS-17 a certificate without both purposes is refused, also one without any', () => {
  for (const purposes of [[oidServerAuth], [oidClientAuth], [], ['1.3.6.1.5.5.7.3.4']]) {
    assert.equal(reasonOf({ purposes }), 'wrong_purpose');
  }
});

test('TLS-24 a leaf that is an authority, or has serial 0, is refused', () => {
  assert.equal(reasonOf({ isAuthority: true }), 'certificate_authority');
  const unable = { isAuthority: true, keyUsage: leafKeyUsage() };
  assert.equal(reasonOf(unable), 'certificate_authority', 'also one without the right to sign');
  assert.equal(reasonOf({ serial: Uint8Array.of(0) }), 'bad_serial');
});

test('TLS-27 a certificate that only names hosts, or another node than the one dialled, is refused', () => {
  assert.equal(reasonOf({ names: undefined }), 'not_one_uri');
  assert.equal(reasonOf({ names: namesOf(undefined) }), 'not_one_uri');
  const expected = { cluster, name: nodeNameFrom('n3') };
  const judged = peerIdentityOf(certificateOf(), facts, expected);
  assert.deepEqual(judged, { kind: 'refused', reason: 'other_name' });
});

test('ID-02 any URI that is not the one plain form is refused', () => {
  assert.equal(reasonOf({ names: urisOf(uriOf('n2'), uriOf('n3')) }), 'not_one_uri');
  assert.equal(reasonOf({ names: urisOf(uriOf('n2'), uriOf('n2')) }), 'not_one_uri');
  const injected = urisOf(`${uriOf('n2')}, URI:${uriOf('n3')}`);
  assert.equal(reasonOf({ names: injected }), 'names_unreadable');
  for (const uri of [
    `spiffe://${cluster.replace('a', 'A')}/node/n2`,
    `spiffe://${cluster}/node/../node/n2`,
    `spiffe://${cluster}/node/%6e2`,
    `spiffe://${cluster}/node/n2/`,
    `spiffe://${cluster}/node/`,
  ]) {
    assert.equal(reasonOf({ names: urisOf(uri) }), 'uri_malformed', uri);
  }
  for (const uri of [`${uriOf('n2')}\n`, `${uriOf('n2')}\0`, `${uriOf('n2')}"`]) {
    assert.equal(reasonOf({ names: urisOf(uri) }), 'names_unreadable', JSON.stringify(uri));
  }
});

test('ID-07 ID-09 a user of this cluster and a node of another one are no peers', () => {
  assert.equal(reasonOf({ names: namesOf(uriOf('n2', 'user')) }), 'other_kind');
  assert.equal(reasonOf({ names: namesOf(uriOf('n2', 'node', other)) }), 'other_cluster');
});

test('ID-08 a client certificate names its user; a node, another cluster or no purpose does not', () => {
  const judge = (changes: Changes, verdict = { authorized: true, sessionReused: false }) => {
    const judged = userIdentityOf(certificateOf(changes), verdict, cluster);
    return judged.kind === 'refused' ? judged.reason : judged.kind;
  };
  const ada = { names: urisOf(uriOf('ada', 'user')), purposes: [oidClientAuth] };
  assert.equal(judge(ada), 'user');
  assert.equal(judge(ada, { authorized: false, sessionReused: false }), 'not_authorized');
  assert.equal(judge(ada, { authorized: true, sessionReused: true }), 'session_reused');
  assert.equal(judge({ ...ada, purposes: [oidServerAuth] }), 'wrong_purpose');
  assert.equal(judge({ ...ada, names: urisOf(uriOf('ada', 'user', other)) }), 'other_cluster');
  assert.equal(judge({}), 'other_kind');
  const none = userIdentityOf(undefined, { authorized: false, sessionReused: false }, cluster);
  assert.deepEqual(none, { kind: 'none' });
});

// What is refused before it is used: certificates, keys and authorities at the start and at a
// reload.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { authorityKeyUsage, leafKeyUsage } from '#certs-tool/extensions.ts';
import { issueHttps } from '#certs-tool/issue.ts';
import { newKeyPair } from '#certs-tool/key-pair.ts';
import { oidClientAuth, oidServerAuth } from '#certs-tool/oid.ts';
import { CodedError } from '#errors.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { checkHttpsMaterial, checkPeerMaterial } from '#tls/check-material.ts';
import { loadHttpsMaterial, loadPeerMaterial } from '#tls/load-material.ts';
import type { HttpsMaterial, PeerMaterial } from '#tls/tls-options.ts';
import {
  type Changes,
  cluster,
  daysFromNow,
  issueHostile,
  namesOf,
  peerCa,
  uriOf,
} from './hostile-certificates.ts';

const n2 = { cluster, name: nodeNameFrom('n2') };
const clientCa = createAuthority({ kind: 'client', cluster });
const dayMs = 86_400_000;

const materialOf = (changes: Changes = {}): PeerMaterial => ({
  ...issueHostile(changes),
  ca: peerCa.certificate,
});

/** The sentence and the hint of a refusal; fails when there is none, or none that helps. */
const refusal = (check: () => void): string => {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof CodedError);
    assert.equal(error.code, 'certificate_invalid');
    assert.ok((error.details.hint ?? '').length > 0, 'a hint');
    return error.message;
  }
  assert.fail('it was not refused');
};

const peerRefusal = (material: PeerMaterial, nowMs = Date.now()): string =>
  refusal(() => checkPeerMaterial(material, n2, nowMs));

test('what the certificate tool makes for this node passes', () => {
  checkPeerMaterial(materialOf(), n2, Date.now());
  const https = issueHttps({ authority: clientCa, cluster, hosts: ['127.0.0.1'] });
  checkHttpsMaterial({ ...https, clientCa: clientCa.certificate }, Date.now());
});

test('TLS-26 a key that belongs to another certificate is refused', () => {
  assert.match(peerRefusal({ ...materialOf(), key: newKeyPair().key }), /does not belong/);
  assert.match(peerRefusal({ ...materialOf(), key: 'no key' }), /key .* cannot be read/);
});

test('TLS-14 TLS-15 a certificate outside its dates is refused', () => {
  const expired = { notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) };
  assert.match(peerRefusal(materialOf(expired)), /expired on/);
  const early = { notBefore: daysFromNow(1), notAfter: daysFromNow(9) };
  assert.match(peerRefusal(materialOf(early)), /not valid before/);
});

test('TLS-16 a certificate of another authority is refused, also of one with the same name', () => {
  const authority = createAuthority({ kind: 'peer', cluster });
  assert.match(peerRefusal(materialOf({ authority })), /does not lead to the authority/);
  assert.match(peerRefusal({ ...materialOf(), ca: clientCa.certificate }), /does not lead/);
});

test('TLS-20 a certificate issued by a leaf is refused', () => {
  for (const keyUsage of [leafKeyUsage(), authorityKeyUsage()]) {
    const authority = issueHostile({ keyUsage });
    const issued = issueHostile({ authority, subject: 'n3' });
    const chain = { ...issued, certificate: issued.certificate + authority.certificate };
    assert.match(peerRefusal({ ...chain, ca: peerCa.certificate }), /does not lead/);
  }
});

test('TLS-22 an expired authority in the bundle is refused, and so is what is no authority', () => {
  const nowMs = Date.now() + 20 * 365 * dayMs;
  const future = { notBefore: new Date(nowMs - dayMs), notAfter: new Date(nowMs + dayMs) };
  assert.match(peerRefusal(materialOf(future), nowMs), /the peer CA file expired/);
  const mixed = peerCa.certificate + issueHostile().certificate;
  assert.match(peerRefusal({ ...materialOf(), ca: mixed }), /no authority/);
});

test('two authorities in the bundle pass while a rollover is under way', () => {
  const next = createAuthority({ kind: 'peer', cluster, generation: 2 });
  const bundle = peerCa.certificate + next.certificate;
  checkPeerMaterial({ ...materialOf(), ca: bundle }, n2, Date.now());
  const renewed = { ...issueHostile({ authority: next }), ca: bundle };
  checkPeerMaterial(renewed, n2, Date.now());
});

test('TLS-17 TLS-24 a certificate that cannot stand for a node is refused', () => {
  assert.match(peerRefusal(materialOf({ purposes: [oidServerAuth] })), /wrong_purpose/);
  assert.match(peerRefusal(materialOf({ isAuthority: true })), /certificate_authority/);
  assert.match(peerRefusal(materialOf({ names: namesOf(undefined) })), /not_one_uri/);
});

test('the certificate of another node, another cluster or a user is refused', () => {
  for (const uri of [uriOf('n3'), uriOf('n2', 'node', 'f'.repeat(32)), uriOf('n2', 'user')]) {
    assert.match(peerRefusal(materialOf({ names: namesOf(uri) })), /is of (node|user) n\d in/);
  }
});

test('text that is no certificate, or far too many, is refused', () => {
  assert.match(peerRefusal({ ...materialOf(), certificate: '' }), /holds 0 certificates/);
  const garbled = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  assert.match(peerRefusal({ ...materialOf(), certificate: garbled }), /cannot be read/);
  const many = peerCa.certificate.repeat(9);
  assert.match(peerRefusal({ ...materialOf(), ca: many }), /holds 9 certificates/);
});

test('TLS-23 RSA of 1024 bits is refused, of 2048 accepted', () => {
  assert.match(peerRefusal(materialOf({ rsaBits: 1024 })), /weak key/);
  checkPeerMaterial(materialOf({ rsaBits: 2048 }), n2, Date.now());
});

test('the API refuses a certificate without a host, for clients only, or of an authority', () => {
  const material = (changes: Changes): HttpsMaterial => ({
    ...issueHostile({ purposes: [oidServerAuth], ...changes }),
    clientCa: undefined,
  });
  const reasonOf = (changes: Changes): string =>
    refusal(() => checkHttpsMaterial(material(changes), Date.now()));
  checkHttpsMaterial(material({}), Date.now());
  assert.match(reasonOf({ names: undefined }), /names no host/);
  assert.match(reasonOf({ purposes: [oidClientAuth] }), /not made for a server/);
  assert.match(reasonOf({ isAuthority: true }), /not made for a server/);
  const mixed = { ...material({}), clientCa: issueHostile().certificate };
  assert.match(
    refusal(() => checkHttpsMaterial(mixed, Date.now())),
    /no authority/,
  );
});

test('loading reads the named files and checks what they hold', () => {
  const peer = materialOf();
  const files = new Map(Object.entries({ c: peer.certificate, k: peer.key, a: peer.ca }));
  const readFile = (path: string): string => files.get(path) ?? assert.fail(path);
  const paths = { certificate: 'c', key: 'k', ca: 'a' };
  assert.deepEqual(loadPeerMaterial(paths, readFile, n2, Date.now()), peer);
  assert.throws(() => loadPeerMaterial({ ...paths, key: 'c' }, readFile, n2, Date.now()), {
    code: 'certificate_invalid',
  });
  const https = { certificate: 'c', key: 'k', clientCa: 'a' };
  assert.deepEqual(loadHttpsMaterial(https, readFile, Date.now()), {
    certificate: peer.certificate,
    key: peer.key,
    clientCa: peer.ca,
  });
  assert.throws(() => loadHttpsMaterial({ ...https, clientCa: 'c' }, readFile, Date.now()), {
    code: 'certificate_invalid',
  });
});

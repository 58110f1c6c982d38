// Certificates that a CA of the cluster has truly signed but that break the profile: each with
// its reason. They are built from the product's own parts, which issueNode and its sisters never
// combine this way.
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { openAuthority } from '#certs-tool/authority.ts';
import { buildCertificate, leafName } from '#certs-tool/build-certificate.ts';
import {
  copyOf,
  type DerValue,
  derOf,
  objectIdentifier,
  octetString,
  sequence,
  taggedBytes,
} from '#certs-tool/der-writer.ts';
import {
  authorityConstraints,
  authorityKeyIdentifier,
  authorityKeyUsage,
  extendedKeyUsage,
  leafConstraints,
  leafKeyUsage,
  subjectAltName,
} from '#certs-tool/extensions.ts';
import { hostsFrom } from '#certs-tool/host.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { newKeyPair } from '#certs-tool/key-pair.ts';
import { leafProblems } from '#certs-tool/leaf-problems.ts';
import { oidClientAuth, oidServerAuth, oidSubjectAltName } from '#certs-tool/oid.ts';
import { certificateFrom } from '#certs-tool/read-certificate.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { clientCa, cluster, now, otherCluster, peerCa } from './fixture.ts';

const trust = [peerCa, clientCa].map(({ certificate }) => certificateFrom(certificate));
const { publicKey } = newKeyPair();
const nodeUri = `spiffe://${cluster}/node/n1`;

interface Leaf {
  readonly names: DerValue;
  readonly constraints?: DerValue;
  readonly usage?: DerValue;
  readonly purposes?: readonly string[];
  readonly authority?: typeof peerCa;
  /** Signs in the authority's name, in place of its own key. */
  readonly signer?: KeyObject;
}

const codesOf = (leaf: Leaf): string[] => {
  const { authority = peerCa, purposes = [oidServerAuth, oidClientAuth] } = leaf;
  const kind = authority === peerCa ? 'peer' : 'client';
  const { view, key, keyId } = openAuthority(authority, { kind, cluster }, now);
  const certificate = buildCertificate(
    {
      serial: Uint8Array.of(0x40, 1),
      issuer: copyOf(view.subject.node),
      notBefore: now,
      notAfter: new Date(now.getTime() + 60_000),
      subject: leafName('n1'),
      publicKey,
      extensions: [
        leaf.constraints ?? leafConstraints(),
        leaf.usage ?? leafKeyUsage(),
        extendedKeyUsage(purposes),
        leaf.names,
        authorityKeyIdentifier(keyId),
      ],
    },
    leaf.signer ?? key,
  );
  return leafProblems(certificateFrom(certificate), trust, now).map(({ code }) => code);
};

const named = (uri: string | undefined): DerValue => subjectAltName(uri, hostsFrom(['n1.lan']));

/** A subjectAltName with anything in it. */
const rawNames = (...names: readonly (readonly [number, string])[]): DerValue =>
  sequence(
    objectIdentifier(oidSubjectAltName),
    octetString(
      derOf(sequence(...names.map(([tag, text]) => taggedBytes(tag, Buffer.from(text))))),
    ),
  );

test('a certificate by the profile has no problem', () => {
  assert.deepEqual(codesOf({ names: named(nodeUri) }), []);
  const https = { names: named(undefined), purposes: [oidServerAuth], authority: clientCa };
  assert.deepEqual(codesOf(https), []);
});

test('TLS-06 a leaf in the name and with the key id of the CA, signed by another key, is refused', () => {
  const signer = createPrivateKey(newKeyPair().key);
  assert.deepEqual(codesOf({ names: named(nodeUri), signer }), ['unknown_issuer']);
});

test('TLS-24 a leaf that could sign, or is a CA, is refused although its CA signed it', () => {
  const names = named(nodeUri);
  assert.deepEqual(codesOf({ names, usage: authorityKeyUsage() }), ['wrong_usage']);
  assert.deepEqual(codesOf({ names, constraints: authorityConstraints() }), ['no_identity']);
});

test('TLS-17 purposes that are missing, too many or of another kind are refused', () => {
  const names = named(nodeUri);
  for (const purposes of [[], [oidServerAuth], [oidClientAuth], [oidServerAuth, '1.2.3']]) {
    assert.deepEqual(codesOf({ names, purposes }), ['wrong_purpose'], purposes.join());
  }
  const user = subjectAltName(`spiffe://${cluster}/user/ada`, []);
  assert.deepEqual(codesOf({ names: user, authority: clientCa }), ['wrong_purpose']);
});

test('ID-02 two URIs, a URI of another form and a name of another kind are nobody', () => {
  for (const names of [
    rawNames([6, nodeUri], [6, nodeUri]),
    rawNames([6, `${nodeUri}/`]),
    rawNames([6, nodeUri], [1, 'root@example.com']),
    rawNames([1, 'root@example.com']),
  ]) {
    assert.deepEqual(codesOf({ names }), ['no_identity']);
  }
});

test('ID-07 a user under the peer CA and a node under the client CA are refused', () => {
  const user = subjectAltName(`spiffe://${cluster}/user/ada`, []);
  assert.deepEqual(codesOf({ names: user, purposes: [oidClientAuth] }), ['wrong_authority']);
  assert.deepEqual(codesOf({ names: named(nodeUri), authority: clientCa }), ['wrong_authority']);
});

test('ID-09 a node of another cluster under this CA is refused', () => {
  const names = named(`spiffe://${otherCluster}/node/n1`);
  assert.deepEqual(codesOf({ names }), ['other_cluster']);
});

test('TLS-23 an authority with a key that is not its own P-256 key signs nothing', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.throws(() => openAuthority({ ...peerCa, key }, { kind: 'peer', cluster }, now), {
    code: 'certificate_invalid',
  });
});

test('TLS-23 a holder key that is not P-256 is not certified', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
  const pem = other.export({ type: 'spki', format: 'pem' }).toString();
  const name = nodeNameFrom('n1');
  assert.throws(
    () => issueNode({ authority: peerCa, cluster, name, hosts: ['n1'], now, publicKey: pem }),
    { code: 'certificate_invalid' },
  );
});

// What others say of the certificates: openssl, @peculiar/x509 and node:crypto, each with code
// of its own for reading and verifying.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import 'reflect-metadata';
import * as peculiar from '@peculiar/x509';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps, issueNode, issueUser } from '#certs-tool/issue.ts';
import { ada, cluster, n1 } from './fixture.ts';
import { openssl, withoutOpenssl } from './openssl.ts';
import { temporaryFolder } from './temporary-folder.ts';

const peerCa = createAuthority({ kind: 'peer', cluster });
const clientCa = createAuthority({ kind: 'client', cluster });
const leaves = [
  {
    what: 'node',
    issuer: peerCa,
    other: clientCa,
    purposes: ['sslserver', 'sslclient'],
    wrongPurposes: [],
    ...issueNode({ authority: peerCa, cluster, name: n1, hosts: ['n1.lan', '::1'] }),
  },
  {
    what: 'https',
    issuer: clientCa,
    other: peerCa,
    purposes: ['sslserver'],
    wrongPurposes: ['sslclient'],
    ...issueHttps({ authority: clientCa, cluster, hosts: ['n1.lan', '127.0.0.1'] }),
  },
  {
    what: 'user',
    issuer: clientCa,
    other: peerCa,
    purposes: ['sslclient'],
    wrongPurposes: ['sslserver'],
    ...issueUser({ authority: clientCa, cluster, name: ada }),
  },
] as const;

const files = (context: TestContext, texts: Readonly<Record<string, string>>) => {
  const folder = temporaryFolder(context);
  const pathOf = (name: string): string => join(folder, name);
  for (const [name, text] of Object.entries(texts)) writeFileSync(pathOf(name), text);
  return pathOf;
};

for (const { what, certificate, issuer, other, purposes, wrongPurposes } of leaves) {
  test(`openssl -x509_strict accepts a ${what} certificate for its purposes alone`, {
    skip: withoutOpenssl,
  }, (context) => {
    const path = files(context, {
      leaf: certificate,
      issuer: issuer.certificate,
      other: other.certificate,
    });
    const verify = (purpose: string, authority: string) =>
      openssl(
        'verify',
        '-x509_strict',
        '-check_ss_sig',
        '-purpose',
        purpose,
        '-CAfile',
        path(authority),
        path('leaf'),
      );
    for (const purpose of purposes) {
      assert.equal(verify(purpose, 'issuer').status, 0, verify(purpose, 'issuer').text);
    }
    for (const purpose of wrongPurposes) {
      assert.match(verify(purpose, 'issuer').text, /unsuitable certificate purpose/);
    }
    assert.match(verify('any', 'other').text, /unable to get local issuer certificate/);
  });

  test(`@peculiar/x509 reads a ${what} certificate and verifies its chain`, async () => {
    const leaf = new peculiar.X509Certificate(certificate);
    const authority = new peculiar.X509Certificate(issuer.certificate);
    const chain = await new peculiar.X509ChainBuilder({ certificates: [authority] }).build(leaf);
    assert.equal(chain.length, 2);
    assert.ok(await leaf.verify({ publicKey: await authority.publicKey.export() }));
    assert.ok(await authority.isSelfSigned());
    const stranger = new peculiar.X509Certificate(other.certificate);
    assert.ok(!(await leaf.verify({ publicKey: await stranger.publicKey.export() })));
    const constraints = leaf.getExtension(peculiar.BasicConstraintsExtension);
    assert.equal(constraints?.ca, false);
    assert.equal(constraints?.critical, true);
    const usages = leaf.getExtension(peculiar.KeyUsagesExtension);
    assert.equal(usages?.usages, peculiar.KeyUsageFlags.digitalSignature);
  });

  test(`node:crypto verifies a ${what} certificate against its CA and no other`, () => {
    const leaf = new X509Certificate(certificate);
    const [mine, notMine] = [issuer, other].map((one) => new X509Certificate(one.certificate));
    assert.ok(mine !== undefined && notMine !== undefined);
    assert.ok(leaf.checkIssued(mine) && leaf.verify(mine.publicKey));
    assert.ok(!leaf.checkIssued(notMine) && !leaf.verify(notMine.publicKey));
    assert.equal(leaf.ca, false);
    assert.equal(mine.ca, true);
  });
}

test('TLS-20 a certificate that a leaf has signed is refused by openssl', {
  skip: withoutOpenssl,
}, (context) => {
  const [node] = leaves;
  const path = files(context, {
    leaf: node.certificate,
    key: node.key,
    issuer: node.issuer.certificate,
    request: '[req]\ndistinguished_name=dn\n[dn]\n',
  });
  const made = openssl(
    ...['req', '-new', '-x509', '-key', path('key'), '-subj', '/CN=below', '-days', '1'],
    ...['-config', path('request'), '-out', path('self')],
  );
  assert.equal(made.status, 0, made.text);
  const below = openssl(
    ...['x509', '-in', path('self'), '-CA', path('leaf'), '-CAkey', path('key')],
    ...['-set_serial', '1', '-days', '1', '-out', path('below')],
  );
  assert.equal(below.status, 0, below.text);
  const answer = openssl(
    ...['verify', '-CAfile', path('issuer'), '-untrusted', path('leaf'), path('below')],
  );
  assert.notEqual(answer.status, 0);
  assert.match(answer.text, /invalid CA certificate/);
});

test('the key that comes back is the one the certificate is for', () => {
  for (const { certificate, key } of leaves) {
    assert.ok(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)));
  }
});

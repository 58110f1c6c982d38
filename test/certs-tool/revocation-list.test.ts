// Revocation lists as openssl, @peculiar/x509 and our own reader see them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import 'reflect-metadata';
import * as peculiar from '@peculiar/x509';
import { issueUser } from '#certs-tool/issue.ts';
import { pemBlocksFrom } from '#certs-tool/pem.ts';
import { certificateFrom } from '#certs-tool/read-certificate.ts';
import { revocationListFrom } from '#certs-tool/read-revocation-list.ts';
import { createRevocationList } from '#certs-tool/revocation-list.ts';
import { ada, clientCa, cluster, now, peerCa } from './fixture.ts';
import { openssl, withoutOpenssl } from './openssl.ts';
import { temporaryFolder } from './temporary-folder.ts';

const users = [1, 2].map(() => issueUser({ authority: clientCa, cluster, name: ada, now }));
const [gone, kept] = users.map(({ certificate }) => certificate);
assert.ok(gone !== undefined && kept !== undefined);
const { serial } = certificateFrom(gone);
const list = createRevocationList({
  authority: clientCa,
  kind: 'client',
  cluster,
  number: 300,
  revoked: [
    { serial, revokedAt: new Date('2026-05-05T05:05:05Z'), reason: 'keyCompromise' },
    { serial: 'ff01', revokedAt: new Date('2026-05-06T05:05:05Z'), reason: 'unspecified' },
  ],
  now,
});
const empty = createRevocationList({
  authority: clientCa,
  kind: 'client',
  cluster,
  number: 1,
  revoked: [],
  now,
});
const skip = withoutOpenssl;

test('openssl verifies a list and reads version, number, reasons and dates', {
  skip,
}, (context) => {
  const folder = temporaryFolder(context);
  const [path, ca] = [join(folder, 'list.crl'), join(folder, 'ca.crt')];
  writeFileSync(path, list);
  writeFileSync(ca, clientCa.certificate);
  const { text } = openssl('crl', '-in', path, '-CAfile', ca, '-noout', '-text');
  assert.match(text, /verify OK/);
  assert.match(text, /Version 2 \(0x1\)/);
  assert.match(text, /Last Update: Jun {2}1 11:55:00 2026 GMT/);
  assert.match(text, /Next Update: Jul {2}1 12:00:00 2026 GMT/);
  assert.match(text, /X509v3 CRL Number: ?\n\s+300\n/);
  const keyId = certificateFrom(clientCa.certificate).extensions.keyId ?? '';
  const spelled = keyId.toUpperCase().match(/../g)?.join(':');
  assert.ok(text.includes(`X509v3 Authority Key Identifier: \n                ${spelled}`), text);
  const entries = text.slice(text.indexOf('Revoked Certificates:'));
  assert.match(
    entries.replace(/\s+/g, ' '),
    new RegExp(
      `Serial Number: ${serial.toUpperCase()} Revocation Date: May 5 05:05:05 2026 GMT ` +
        'CRL entry extensions: X509v3 CRL Reason Code: Key Compromise ' +
        'Serial Number: FF01 Revocation Date: May 6 05:05:05 2026 GMT Signature',
    ),
  );
});

test('openssl -crl_check refuses what is on the list and accepts what is not', {
  skip,
}, (context) => {
  const folder = temporaryFolder(context);
  const pathOf = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const common = [
    ...['verify', '-x509_strict', '-crl_check', '-attime', String(now.getTime() / 1000 + 60)],
    ...['-CAfile', pathOf('ca', clientCa.certificate)],
  ].map((word) => word.replace(/\.\d+$/, ''));
  const verify = (crl: string, leaf: string) =>
    openssl(...common, '-CRLfile', pathOf('crl', crl), pathOf('leaf', leaf));
  assert.match(verify(list, gone).text, /certificate revoked/);
  assert.equal(verify(list, kept).status, 0, verify(list, kept).text);
  assert.equal(verify(empty, gone).status, 0, verify(empty, gone).text);
});

test('@peculiar/x509 reads a list, verifies it and finds the serial', async () => {
  const read = new peculiar.X509Crl(list);
  const authority = new peculiar.X509Certificate(clientCa.certificate);
  const stranger = new peculiar.X509Certificate(peerCa.certificate);
  assert.ok(await read.verify({ publicKey: authority }));
  assert.ok(!(await read.verify({ publicKey: stranger })));
  assert.deepEqual(
    read.entries.map((entry) => [entry.serialNumber, entry.reason]),
    [
      [serial, peculiar.X509CrlReason.keyCompromise],
      ['ff01', undefined],
    ],
  );
});

test('our own reader says of a list what went into it, and who signed it', () => {
  const [block] = pemBlocksFrom(list);
  assert.ok(block !== undefined);
  const view = revocationListFrom(block);
  assert.deepEqual(view.serials, [serial, 'ff01']);
  assert.equal(view.number, 300);
  assert.equal(view.nextUpdate.toISOString(), '2026-07-01T12:00:00.000Z');
  const keyOf = (pem: string) => certificateFrom(pem).certificate.publicKey;
  assert.ok(view.isSignedBy(keyOf(clientCa.certificate)));
  assert.ok(!view.isSignedBy(keyOf(peerCa.certificate)));
});

test('REV-05 a list that is cut off or changed into something else is refused', () => {
  const [block] = pemBlocksFrom(list);
  assert.ok(block !== undefined);
  for (const bytes of [block.bytes.subarray(0, -1), Buffer.alloc(0), Buffer.from('garbage')]) {
    assert.throws(() => revocationListFrom({ label: block.label, bytes }), {
      code: 'certificate_invalid',
    });
  }
});

test('a list of the other CA or longer than its bound is not signed', () => {
  const wanted = { authority: clientCa, cluster, number: 1, revoked: [], now };
  assert.throws(() => createRevocationList({ ...wanted, kind: 'peer' }), {
    code: 'certificate_invalid',
  });
  assert.throws(() => createRevocationList({ ...wanted, kind: 'client', validDays: 367 }), {
    code: 'config_invalid',
  });
});

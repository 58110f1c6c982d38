// Which certificates a denial means.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { certificateFrom } from '#certs-tool/read-certificate.ts';
import type { DeniedRecord } from '#command/member.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { canonicalSerial, denialOf, marksOf } from '#tls/deny-list.ts';
import { cluster } from './hostile-certificates.ts';

const authority = createAuthority({ kind: 'peer', cluster });
const { certificate } = issueNode({
  authority,
  cluster,
  name: nodeNameFrom('n2'),
  hosts: ['127.0.0.1'],
});
const marks = marksOf(new X509Certificate(certificate));
const denial = (what: Partial<DeniedRecord>): readonly DeniedRecord[] => [
  { name: '', serial: '', issuer: '', deniedMs: 1, reason: '', ...what },
];

test('REV-01 a certificate is known by its serial number and by the key that signed it', () => {
  const view = certificateFrom(certificate);
  assert.equal(marks.serial, view.serial.toUpperCase());
  assert.equal(marks.issuer, certificateFrom(authority.certificate).extensions.keyId);
  assert.ok(denialOf(denial({ serial: marks.serial }), marks));
  assert.ok(denialOf(denial({ ...marks }), marks));
  assert.equal(denialOf(denial({ serial: marks.serial, issuer: '00' }), marks), undefined);
  assert.equal(denialOf(denial({ serial: `${marks.serial}0` }), marks), undefined);
  assert.equal(denialOf([], marks, 'n2'), undefined);
});

test('REV-01 a node is known by its name, whatever certificate it shows; a user never is', () => {
  assert.ok(denialOf(denial({ name: 'n2' }), marks, 'n2'));
  assert.equal(denialOf(denial({ name: 'n2' }), marks, 'n3'), undefined);
  assert.equal(denialOf(denial({ name: 'n2' }), marks), undefined);
});

test('a serial number has one form, however it was written', () => {
  assert.equal(canonicalSerial('00:0a:b1'), 'AB1');
  assert.equal(canonicalSerial('ab1'), 'AB1');
  assert.equal(canonicalSerial('00'), '0');
});

// Certificate files while a node runs: the countdown in the log, and files that change.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { keyPinOf } from '#certs-tool/key-pair.ts';
import { CodedError } from '#errors.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { CertificateCountdown } from '#node/certificate-countdown.ts';
import { MaterialWatch } from '#node/material-watch.ts';
import { watchPeerCertificates } from '#node/peer-certificates.ts';
import { reloadableMaterial } from '#tls/reloadable-material.ts';

const dayMs = 86_400_000;

/** A log that keeps level and text. */
const keptLog = () => {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (_fields: unknown, text?: string): void => {
      lines.push(`${level} ${text ?? ''}`);
    };
  return { lines, log: { info: keep('info'), warn: keep('warn'), error: keep('error') } };
};

test('EXP-01 the log counts down: once at each age, once a day while it is not good, and when it is good again', () => {
  const { lines, log } = keptLog();
  let nowMs = 0;
  let notAfterMs = 300 * dayMs;
  const ends = () => [{ name: 'peer', notBeforeMs: 0, notAfterMs }];
  const countdown = new CertificateCountdown(ends, log, () => nowMs);
  const lookAt = (days: number): readonly string[] => {
    nowMs = days * dayMs;
    lines.length = 0;
    countdown.look();
    countdown.look();
    return [...lines];
  };
  assert.deepEqual(lookAt(0), []);
  assert.deepEqual(lookAt(210), ['warn certificate peer ends in 90 days']);
  assert.deepEqual(lookAt(210.5), []);
  assert.deepEqual(lookAt(211), ['warn certificate peer ends in 89 days']);
  assert.deepEqual(lookAt(280), ['error certificate peer ends in 20 days']);
  assert.match(lookAt(300).join(), /^error certificate peer expired on .*: renew it with/);
  notAfterMs = 900 * dayMs;
  assert.deepEqual(lookAt(301), ['info certificate peer ends in 599 days']);
});

test('TLS-26 changed files are taken up when in order; else the old ones stay and the reason is told once', () => {
  const { lines, log } = keptLog();
  const file = { content: 'first', fault: '' };
  const material = reloadableMaterial(() => {
    if (file.fault !== '') throw new CodedError('certificate_invalid', file.fault);
    return { certificate: file.content };
  });
  const taken: string[] = [];
  const watch = new MaterialWatch({
    material,
    what: 'peer',
    log,
    onReloaded: (before, now) => taken.push(`${before.certificate} to ${now.certificate}`),
  });
  watch.look();
  assert.deepEqual([lines, taken], [[], []]);
  file.fault = 'the key does not belong to it';
  watch.look();
  watch.look();
  assert.deepEqual(lines.splice(0), ['error certificate files cannot be used: old ones stay']);
  assert.deepEqual(material.current(), { certificate: 'first' });
  file.fault = '';
  file.content = 'second';
  watch.look();
  watch.look();
  assert.deepEqual(lines, ['info certificate files changed and are in use']);
  assert.deepEqual(taken, ['first to second']);
});

test('TLS-26 a running node takes up a fresh certificate of its key, and none of a key that is not on record', (context) => {
  const cluster = clusterIdFrom('0123456789abcdef0123456789abcdef');
  const authority = createAuthority({ kind: 'peer', cluster });
  const request = { authority, cluster, name: nodeNameFrom('n1'), hosts: ['127.0.0.1'] };
  const [first, other] = [issueNode(request), issueNode(request)];
  const publicKey = new X509Certificate(first.certificate).publicKey
    .export({ type: 'spki', format: 'pem' })
    .toString();
  const renewed = { ...issueNode({ ...request, publicKey }), key: first.key };
  const materialOf = ({ certificate, key }: { certificate: string; key: string }) => ({
    certificate,
    key,
    ca: authority.certificate,
  });
  let files = materialOf(first);
  let onRecord: string | undefined;
  const { lines, log } = keptLog();
  const material = reloadableMaterial(() => files);
  const watch = watchPeerCertificates({
    material,
    log,
    wallMs: () => Date.now(),
    keyPinOnRecord: () => onRecord,
    onReloaded: () => undefined,
  });
  context.after(() => watch.stop());
  const kindWith = (next: typeof files) => {
    files = next;
    return watch.reload().kind;
  };
  assert.equal(kindWith(materialOf(other)), 'kept');
  assert.match(lines.join(), /old ones stay/);
  assert.equal(material.current().certificate, first.certificate);
  assert.equal(kindWith(materialOf(renewed)), 'reloaded');
  onRecord = keyPinOf(first.certificate);
  assert.equal(kindWith(materialOf(other)), 'kept');
  assert.equal(kindWith(materialOf(first)), 'reloaded');
  // A node that was started with a wrong key takes up the right one.
  onRecord = keyPinOf(other.certificate);
  assert.equal(kindWith(materialOf(other)), 'reloaded');
});

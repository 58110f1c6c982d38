// Certificate files while a node runs: the countdown in the log, and files that change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '#errors.ts';
import { CertificateCountdown } from '#node/certificate-countdown.ts';
import { MaterialWatch } from '#node/material-watch.ts';
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

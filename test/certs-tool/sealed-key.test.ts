// Keys under a passphrase: what opens them, what does not, what they show.
import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { newKeyPair } from '#certs-tool/key-pair.ts';
import { pemBlocksFrom, pemOf } from '#certs-tool/pem.ts';
import { isSealedKey, sealKey, unsealKey } from '#certs-tool/sealed-key.ts';
import { cluster, n1, now } from './fixture.ts';

const passphrase = 'six random words are enough';
const { key } = newKeyPair();
const sealed = sealKey(key, passphrase, randomBytes);
const [block] = pemBlocksFrom(sealed);
assert.ok(block !== undefined);
const { label, bytes } = block;

test('a sealed key comes back under its passphrase, in any Unicode form of it', () => {
  assert.equal(unsealKey(sealed, passphrase), key);
  const accented = sealKey(key, 'caf\u00e9 caf\u00e9 caf\u00e9 caf\u00e9', randomBytes);
  assert.equal(unsealKey(accented, 'cafe\u0301 cafe\u0301 cafe\u0301 cafe\u0301'), key);
});

test('T45 a sealed key shows nothing of the key, and is another text each time', () => {
  const plain = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  const secret = plain.subarray(36, 68);
  assert.ok(plain.includes(secret) && !bytes.includes(secret));
  assert.notEqual(sealKey(key, passphrase, randomBytes), sealed);
  assert.ok(isSealedKey(sealed) && !isSealedKey(key));
});

test('a wrong passphrase and a change in any part of the file are refused', () => {
  const refused = { code: 'certificate_invalid' };
  assert.throws(() => unsealKey(sealed, `${passphrase}!`), refused);
  // Salt, nonce, first and last byte of the content, tag.
  for (const at of [1, 17, 29, bytes.length - 17, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => unsealKey(pemOf(label, changed), passphrase), refused, `byte ${at}`);
  }
  assert.throws(() => unsealKey(pemOf(label, bytes.subarray(0, 40)), passphrase), refused);
});

test('a version that is not known is refused before the passphrase is tried', () => {
  const next = Buffer.from(bytes);
  next[0] = 2;
  assert.throws(() => unsealKey(pemOf(label, next), passphrase), { message: /version 2/ });
});

test('a passphrase of 14 characters is refused, of 15 taken', () => {
  assert.throws(() => sealKey(key, 'a'.repeat(14), randomBytes), { code: 'config_invalid' });
  assert.throws(() => sealKey(key, 'a'.repeat(1025), randomBytes), { code: 'config_invalid' });
  assert.ok(isSealedKey(sealKey(key, 'a'.repeat(15), randomBytes)));
});

test('an authority made under a passphrase signs only with the key unsealed', () => {
  const authority = createAuthority({ kind: 'peer', cluster, now, passphrase });
  const wanted = { cluster, name: n1, hosts: ['n1'], now };
  assert.throws(() => issueNode({ ...wanted, authority }), { message: /under a passphrase/ });
  const unsealed = { ...authority, key: unsealKey(authority.key, passphrase) };
  assert.match(issueNode({ ...wanted, authority: unsealed }).certificate, /BEGIN CERTIFICATE/);
});

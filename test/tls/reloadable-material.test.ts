// Reloading is all or nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '#errors.ts';
import { reloadableMaterial } from '#tls/reloadable-material.ts';

const broken = new CodedError('certificate_invalid', 'expired');

/** Material whose file's content is set by the test; undefined cannot be loaded. */
const withFile = (first: string | undefined) => {
  const file = { content: first };
  const load = () => {
    if (file.content === undefined) throw broken;
    return { certificate: file.content };
  };
  return { file, open: () => reloadableMaterial(load) };
};

test('new material replaces the old one, equal material keeps the very object', () => {
  const { file, open } = withFile('first');
  const material = open();
  const first = material.current();
  assert.deepEqual(material.tryReload(), { kind: 'unchanged' });
  assert.equal(material.current(), first);
  file.content = 'second';
  assert.deepEqual(material.tryReload(), { kind: 'reloaded' });
  assert.deepEqual(material.current(), { certificate: 'second' });
});

test('TLS-26 material that fails its checks at a reload changes nothing and says why', () => {
  const { file, open } = withFile('first');
  const material = open();
  const first = material.current();
  file.content = undefined;
  assert.deepEqual(material.tryReload(), { kind: 'kept', error: broken });
  assert.equal(material.current(), first);
  file.content = 'second';
  assert.deepEqual(material.tryReload(), { kind: 'reloaded' });
});

test('material that fails its checks at the start is an error', () => {
  assert.throws(withFile(undefined).open, broken);
});

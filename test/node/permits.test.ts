// Costly work of a node is bounded over all its fronts; a front that dies gives back what it had.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Permits, permitsMax } from '#node/permits.ts';
import { Seam } from '#process/seam.ts';

const seamOf = (): Seam =>
  new Seam(new PassThrough(), { frameBytesMax: 1024, onClose: () => undefined });

test('fronts share the permits of their node; kinds are counted apart', () => {
  const permits = new Permits();
  const [one, other] = [seamOf(), seamOf()];
  for (let at = 0; at < permitsMax.backup; at++) {
    assert.equal(permits.take(at % 2 === 0 ? one : other, 'backup'), true);
  }
  assert.equal(permits.take(one, 'backup'), false);
  assert.equal(permits.take(one, 'load'), true);
  permits.giveBack(other, 'load');
  assert.equal(permits.take(one, 'load'), false);
  permits.giveBack(other, 'backup');
  assert.equal(permits.take(one, 'backup'), true);
  assert.equal(permits.take(one, 'backup'), false);
});

test('the permits of a front that is gone are free again', () => {
  const permits = new Permits();
  const [gone, next] = [seamOf(), seamOf()];
  while (permits.take(gone, 'backup'));
  assert.equal(permits.take(next, 'backup'), false);
  gone.close();
  assert.equal(permits.take(next, 'backup'), true);
});

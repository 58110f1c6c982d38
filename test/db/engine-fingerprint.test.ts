// The line by which nodes tell whether they compute alike.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder, writerIn } from './support.ts';

test('the fingerprint names version, source, options, architecture and arithmetic, always the same', (t) => {
  const engine = (): string => writerIn(t, temporaryFolder(t)).engine;
  const line = engine();
  assert.match(
    line,
    /^sqlite=3\.\d+\.\d+ source=[0-9a-f]{16} options=[0-9a-f]{16} arch=\w+ floats=[0-9a-f]{16}$/,
  );
  assert.ok(line.length < 200, 'a hello has room for 512');
  assert.equal(engine(), line);
});

test('the arithmetic of this build is this one, to the last bit', (t) => {
  const floats = /floats=(\w+)/.exec(writerIn(t, temporaryFolder(t)).engine)?.[1];
  // A change of it is a change of what replicas store: never without a new feature level.
  assert.equal(floats, '8cd87f361d225baa');
});

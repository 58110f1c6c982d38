// What a front knows of its node: how old that is counts.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { FrontBackend } from '#node/front-backend.ts';
import { createLogger } from '#node/logger.ts';
import { ReaderPool } from '#node/reader-pool.ts';
import { Seam } from '#process/seam.ts';

const push = {
  role: 'follower',
  voter: true,
  term: 1,
  leader: undefined,
  commitIndex: 5,
  appliedIndex: 5,
  schemaIndex: 1,
  leaderContactMs: 7,
  ready: true,
  quarantined: false,
  generation: 0,
} as const;

test('a node that says nothing any more hears its leader ever longer ago', (context) => {
  let now = 1000;
  const nowMs = (): number => now;
  const stream = new PassThrough();
  const seam = new Seam(stream, { frameBytesMax: 1024, onClose: () => undefined });
  const readers = new ReaderPool({
    folder: '/nowhere',
    doubleQuotedStrings: false,
    readersMax: 1,
    now: nowMs,
    log: createLogger('error', 'json', { node: 'n1', part: 'front' }),
  });
  context.after(() => {
    readers.close();
    stream.destroy();
  });
  const backend = new FrontBackend(
    { name: 'n1', dataFolder: '/nowhere', capturesChanges: false },
    seam,
    readers,
    nowMs,
  );
  assert.ok(backend.leaderSilentMs() > 1e9, 'nothing was said yet');
  backend.update(push);
  assert.equal(backend.leaderSilentMs(), 7);
  now += 5000;
  assert.equal(backend.leaderSilentMs(), 5007);
  backend.update({ ...push, role: 'leader', leaderContactMs: 0 });
  now += 5000;
  assert.equal(backend.leaderSilentMs(), 0);
});

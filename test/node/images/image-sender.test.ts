// Which image goes to whom, with the real process that makes it and a real database; what stands
// for the network only takes what it is handed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import { ImageSender } from '#node/images/image-sender.ts';
import { createLogger } from '#node/logger.ts';
import type { OutgoingImage } from '#transport/transport.ts';
import { filledWriter, leftIn } from '../../db/image/support.ts';
import { execute, temporaryFolder } from '../../db/support.ts';
import { until } from '../../transport/nodes.ts';

const [b, c, d] = ['b', 'c', 'd'].map(nodeNameFrom) as [NodeName, NodeName, NodeName];

const setUp = (t: TestContext) => {
  const folder = temporaryFolder(t);
  const writer = filledWriter(t, folder, ['CREATE TABLE x (y)']);
  const sent = new Map<NodeName, OutgoingImage>();
  const givenUp: NodeName[] = [];
  const ends: string[] = [];
  const sender = new ImageSender({
    folder,
    log: createLogger('fatal', 'json', { node: 'a', part: 'test' }),
    transport: {
      sendImage: (to, image) => {
        sent.set(to, image);
        return () => {
          givenUp.push(to);
          image.onEnd({ kind: 'failed', reason: 'given up' });
        };
      },
    },
    term: () => 5,
    onEnd: (to, taken) => ends.push(`${to} ${taken ? 'taken' : 'failed'}`),
  });
  t.after(() => sender.stop());
  const isClean = (): boolean => leftIn(folder)['images']?.length === 0;
  return { folder, writer, sender, sent, givenUp, ends, isClean };
};

test('two followers share one image, the third waits for one of them to end', async (t) => {
  const { writer, sender, sent, ends } = setUp(t);
  assert.equal(sender.heldIndex, undefined);
  sender.request(b, 2);
  sender.request(c, 2);
  sender.request(d, 2);
  // The core may ask again: it changes nothing.
  sender.request(b, 2);
  await until('two images are on their way', () => sent.size === 2);
  assert.deepEqual([...sent.keys()], [b, c]);
  assert.equal(sender.heldIndex, 2);
  const [first, second] = [sent.get(b), sent.get(c)];
  assert.deepEqual(first?.announcement, second?.announcement);
  assert.equal(first?.announcement.index, writer.state.appliedIndex);
  assert.equal(first?.announcement.senderTerm, 5);

  execute(writer, ['INSERT INTO x VALUES (1)']);
  first?.onEnd({ kind: 'taken' });
  await until('the third', () => sent.size === 3);
  // As long as somebody reads it, the image is the same.
  assert.deepEqual(sent.get(d)?.announcement, second?.announcement);
  const { bytes = 0, digest } = second?.announcement ?? {};
  const content = (await second?.read(0, bytes)) ?? Buffer.alloc(0);
  assert.equal(createHash('sha256').update(content).digest('hex'), digest);
  second?.onEnd({ kind: 'taken' });
  sent.get(d)?.onEnd({ kind: 'taken' });
  assert.deepEqual(ends, ['b taken', 'c taken', 'd taken']);
  assert.equal(sender.heldIndex, undefined);

  sender.request(b, 3);
  await until('a new image', () => sent.get(b) !== first);
  assert.equal(sent.get(b)?.announcement.index, writer.state.appliedIndex);
});

test('an image that was not taken is reported after a pause, not at once', async (t) => {
  const { sender, sent, ends, isClean } = setUp(t);
  sender.request(b, 2);
  await until('an image is on its way', () => sent.size === 1);
  const since = performance.now();
  sent.get(b)?.onEnd({ kind: 'failed', reason: 'no room' });
  assert.deepEqual(ends, []);
  // The core would not ask before it hears of the end; if it did, nothing would happen.
  sender.request(b, 2);
  assert.equal(sent.size, 1);
  await until('the pause is over', () => ends.length > 0);
  assert.ok(performance.now() - since > 900);
  assert.deepEqual(ends, ['b failed']);
  await until('its files are gone', isClean);
});

test('a database that cannot be copied fails the transfer, with nothing left over', async (t) => {
  const { folder, sender, sent, ends, writer } = setUp(t);
  writer.close();
  rmSync(join(folder, 'db'), { recursive: true });
  sender.request(b, 2);
  await until('it is told', () => ends.length > 0);
  assert.deepEqual(ends, ['b failed']);
  assert.equal(sent.size, 0);
  assert.deepEqual(leftIn(folder)['images'], []);
});

test('a node that stops gives up its transfers and leaves no files', async (t) => {
  const { sender, sent, givenUp, ends, isClean } = setUp(t);
  sender.request(b, 2);
  await until('an image is on its way', () => sent.size === 1);
  sender.request(c, 2);
  sender.stop();
  await until('its files are gone', isClean);
  assert.ok(givenUp.includes(b));
  assert.deepEqual(ends, []);
  await assert.rejects(sent.get(b)?.read(0, 10) ?? Promise.resolve());
});

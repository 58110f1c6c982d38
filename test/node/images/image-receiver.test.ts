// Which images a node takes at all, and that one which is refused later leaves everything as it
// was: a real core, a real writer, the real process that checks.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TakenImage } from '#db/image/take-image.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { ImageReceiver } from '#node/images/image-receiver.ts';
import { createLogger } from '#node/logger.ts';
import { WriterKeeper } from '#node/writer-keeper.ts';
import { nodeId } from '#raft/node-id.ts';
import type { ImageAnnouncement, ImageTaker, IncomingImage } from '#transport/transport.ts';
import { bytesOf, cluster, filledWriter, imageOf, leftIn } from '../../db/image/support.ts';
import { temporaryFolder } from '../../db/support.ts';
import { createLedCluster } from '../../raft/cluster.ts';
import { until } from '../../transport/nodes.ts';

const silent = createLogger('fatal', 'json', { node: 'b', part: 'test' });
const leader = nodeNameFrom('a');

interface Offered {
  readonly incoming: IncomingImage;
  taker: ImageTaker | undefined;
  acknowledged: number;
  end: string | undefined;
}

const offer = (): Offered => {
  const offered: Offered = {
    taker: undefined,
    acknowledged: 0,
    end: undefined,
    incoming: {
      accept: (taker) => {
        offered.taker = taker;
      },
      acknowledge: (bytes) => {
        offered.acknowledged += bytes;
      },
      taken: () => {
        offered.end = 'taken';
      },
      refuse: (reason) => {
        offered.end = reason;
      },
    },
  };
  return offered;
};

/** Node b of a cluster in which a leads, with a database of its own that ends at entry 2. */
const setUp = async (t: TestContext) => {
  const [origin, folder] = [temporaryFolder(t), temporaryFolder(t)];
  const requests = Array.from({ length: 30 }, (_, at) => `CREATE TABLE t${at} (x)`);
  filledWriter(t, origin, requests).close();
  const image = await imageOf(t, origin);
  filledWriter(t, folder, ['CREATE TABLE own (x)']).close();
  const { keeper } = await WriterKeeper.open(
    { folder, cluster, foreignKeys: false, changeBytes: 0 },
    silent,
  );
  const { raft } = createLedCluster(['a', 'b']).member('b').node;
  const restarts: TakenImage[] = [];
  const receiver: ImageReceiver = new ImageReceiver({
    folder,
    cluster,
    self: nodeId('b'),
    log: silent,
    raft,
    keeper,
    step: (message) => {
      raft.step(message);
      while (raft.hasReady()) {
        const { snapshot } = raft.ready();
        if (snapshot !== undefined) receiver.restarted(snapshot);
      }
    },
    onRestart: (taken) => restarts.push(taken),
    repairs: { isWanted: () => false, trimmedIndex: () => 0, onTaken: () => undefined },
    onFailed: (error) => {
      throw error;
    },
  });
  t.after(async () => {
    receiver.stop();
    await keeper.stop(5000);
  });
  const announcement: ImageAnnouncement = {
    ...image.offer,
    formatVersion: 1,
    senderTerm: raft.softState.term,
  };
  return { folder, image, keeper, raft, receiver, restarts, announcement };
};

test('FRM-10 an image of another version, an earlier term or another node than the leader is refused before a byte', async (t) => {
  const { receiver, announcement, folder } = await setUp(t);
  const refusalOf = (from: string, changes: Partial<ImageAnnouncement>): string | undefined => {
    const offered = offer();
    receiver.offered(nodeNameFrom(from), { ...announcement, ...changes }, offered.incoming);
    return offered.end;
  };
  assert.match(refusalOf('a', { formatVersion: 2 }) ?? '', /version 1/);
  assert.match(refusalOf('a', { senderTerm: announcement.senderTerm - 1 }) ?? '', /earlier term/);
  assert.match(refusalOf('c', {}) ?? '', /another node leads/);
  assert.deepEqual(leftIn(folder)['incoming'], []);
});

test('an image of what this node has is taken without a byte', async (t) => {
  const { receiver, announcement, restarts, raft } = await setUp(t);
  const offered = offer();
  receiver.offered(leader, { ...announcement, index: raft.commitIndex }, offered.incoming);
  assert.equal(offered.end, 'taken');
  assert.equal(offered.taker, undefined);
  assert.deepEqual(restarts, []);
});

test('an image is written as it comes, adopted by the core, and in use once its record is durable', async (t) => {
  const { receiver, announcement, image, folder, keeper, restarts, raft } = await setUp(t);
  const offered = offer();
  receiver.offered(leader, announcement, offered.incoming);
  await until('it is accepted', () => offered.taker !== undefined);
  const second = offer();
  receiver.offered(leader, announcement, second.incoming);
  assert.match(second.end ?? '', /another image is under way/);
  const bytes = bytesOf(image);
  offered.taker?.onChunk(bytes.subarray(0, 100));
  await until('a part of it is written', () => offered.acknowledged === 100);
  offered.taker?.onChunk(bytes.subarray(100));
  await until('it is taken', () => offered.end !== undefined);
  assert.equal(offered.end, 'taken');
  assert.equal(raft.commitIndex, announcement.index);
  assert.equal(restarts[0]?.index, announcement.index);
  // Its record is not durable yet: the old database is still the one to start with.
  const generation = `i${announcement.index}t${announcement.term}`;
  assert.deepEqual(leftIn(folder)['db'], ['00000001', 'CURRENT', generation]);
  assert.equal(keeper.adoptions, 0);
  const late = offer();
  receiver.offered(leader, { ...announcement, index: announcement.index + 1 }, late.incoming);
  assert.match(late.end ?? '', /another image is under way/);
  receiver.durable();
  await until('the new one is in use', () => keeper.adoptions === 1);
  await until('the old one is gone', () => leftIn(folder)['db']?.length === 2);
  assert.deepEqual(leftIn(folder), { images: [], incoming: [], db: ['CURRENT', generation] });
});

test('FRM-10 an image with a wrong digest, or that breaks off: the old state stays, the next one is taken', async (t) => {
  const { receiver, announcement, image, folder, restarts } = await setUp(t);
  const bytes = bytesOf(image);
  const old = { images: [], incoming: [], db: ['00000001', 'CURRENT'] };
  const accepted = async (changes: Partial<ImageAnnouncement>): Promise<Offered> => {
    for (;;) {
      const offered = offer();
      receiver.offered(leader, { ...announcement, ...changes }, offered.incoming);
      await until('an answer', () => offered.taker !== undefined || offered.end !== undefined);
      // The process of the one before may still be cleaning up.
      if (offered.taker !== undefined) return offered;
      assert.match(offered.end ?? '', /under way/);
      await new Promise(setImmediate);
    }
  };
  const spoilt = await accepted({ digest: '0'.repeat(64) });
  spoilt.taker?.onChunk(bytes);
  await until('it is refused', () => spoilt.end !== undefined);
  assert.match(spoilt.end ?? '', /digest/);
  assert.deepEqual(leftIn(folder), old);

  const broken = await accepted({});
  const half = bytes.subarray(0, Math.floor(bytes.length / 2));
  broken.taker?.onChunk(half);
  await until('it is written', () => broken.acknowledged === half.length);
  broken.taker?.onClosed('the leader died');
  assert.match(broken.end ?? '', /the leader died/);

  const whole = await accepted({});
  assert.deepEqual(leftIn(folder), old);
  whole.taker?.onChunk(bytes);
  await until('the good one is taken', () => whole.end !== undefined);
  assert.equal(whole.end, 'taken');
  assert.equal(restarts.length, 1);
});

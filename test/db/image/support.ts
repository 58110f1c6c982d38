// What the tests of images share: folders with a database in use, images of them, and what lies on
// the disk afterwards.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { encodeConfiguration } from '#command/configuration-codec.ts';
import { noClusterRecord } from '#command/member.ts';
import type { ImageOffer } from '#db/image/image-offer.ts';
import { type MadeImage, makeImage } from '#db/image/make-image.ts';
import { ImageIntake, type TakenImage } from '#db/image/take-image.ts';
import type { Writer } from '#db/writer.ts';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { systemFiles } from '#io/file-system.ts';
import { execute, type Written, writerIn } from '../support.ts';

export const cluster = '0123456789abcdef0123456789abcdef';

export const member = {
  name: 'n1',
  storeId: 'a'.repeat(32),
  keyPin: 'b'.repeat(64),
  peerAddress: '127.0.0.1:4002',
  apiUrl: 'https://127.0.0.1:4001',
};

const configuration = encodeConfiguration({
  voters: ['n1', 'n2'],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  context: encodeClusterRecord({ ...noClusterRecord, members: [member] }),
});

/** A writer whose first entry is a configuration; each text is a request of its own. */
export const filledWriter = (
  context: TestContext,
  dataFolder: string,
  requests: readonly Written[] = [],
): Writer => {
  const writer = writerIn(context, dataFolder, { cluster });
  const { appliedIndex } = writer.state;
  const entry = { index: appliedIndex + 1, term: 1, render: 0 };
  writer.apply([{ ...entry, kind: 'configuration', data: configuration }]);
  for (const request of requests) {
    const outcome = execute(writer, [request]);
    assert.ok(outcome.kind === 'results', outcome.kind);
    assert.doesNotMatch(Buffer.from(outcome.json).toString(), /"error"/);
  }
  return writer;
};

/** An image of what is committed, closed when the test ends. */
export const imageOf = async (context: TestContext, dataFolder: string): Promise<MadeImage> => {
  const image = await makeImage({
    dataFolder,
    files: systemFiles,
    nowMs: () => performance.now(),
  });
  context.after(() => image.close());
  return image;
};

/** All bytes of an image. */
export const bytesOf = (image: MadeImage): Buffer => {
  const bytes = Buffer.alloc(image.offer.bytes);
  assert.equal(image.read(bytes, 0), bytes.length);
  return bytes;
};

/** Takes an image in, in pieces that do not divide it evenly. */
export const take = async (
  dataFolder: string,
  offer: ImageOffer,
  bytes: Uint8Array,
  files: FileSystem = systemFiles,
): Promise<TakenImage> => {
  const intake = ImageIntake.open({ dataFolder, offer, cluster, files });
  for (let at = 0; at < bytes.length; at += 10_007) intake.write(bytes.subarray(at, at + 10_007));
  return intake.finish();
};

/** The reason why taking it is refused. */
export const refusalOf = async (taking: Promise<unknown>): Promise<string> => {
  try {
    await taking;
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'taken';
};

/** What lies in the folders that images pass through. */
export const leftIn = (dataFolder: string): Readonly<Record<string, readonly string[]>> => {
  const list = (name: string): readonly string[] => {
    const path = join(dataFolder, name);
    return existsSync(path) ? readdirSync(path).sort() : [];
  };
  return { images: list('images'), incoming: list('incoming'), db: list('db') };
};

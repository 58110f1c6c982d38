// What a front's readers see when an image has taken the place of the database: the new one, at
// once, also for what was under way.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { encodeCommand } from '#command/command-codec.ts';
import { renderBits } from '#command/outcome.ts';
import { createLogger } from '#node/logger.ts';
import { ReaderPool } from '#node/reader-pool.ts';
import type { ReaderRows } from '#node/seams/reader-seam.ts';
import { bytesOf, cluster, filledWriter, imageOf, take } from '../../db/image/support.ts';
import { temporaryFolder, writerIn } from '../../db/support.ts';

const openPool = (t: TestContext, folder: string): ReaderPool => {
  const pool = new ReaderPool({
    folder,
    readersMax: 2,
    now: () => performance.now(),
    log: createLogger('fatal', 'json', { node: 'a', part: 'front' }),
  });
  t.after(() => pool.close());
  return pool;
};

const tables =
  "SELECT group_concat(name) FROM sqlite_schema WHERE name NOT LIKE '\\_%' ESCAPE '\\'";

const ask = (pool: ReaderPool): Promise<string> =>
  new Promise((resolve) => {
    const command = encodeCommand({
      texts: [tables],
      statements: [{ text: 0, positional: [], named: [] }],
      transaction: false,
      schemaIndex: 0,
      changesSchema: false,
      user: 'ada',
      requestId: 'r',
    });
    const render = renderBits.wanted | renderBits.rows;
    const read = { render, rowsMax: 10, bytesMax: 10_000, command };
    const answered = (reply: ReaderRows | { readonly code: string }): void => {
      resolve('json' in reply ? reply.json.toString() : reply.code);
    };
    pool.read({ user: 'ada', requestId: 'r' }, read, 60_000, answered);
  });

test('readers that are renewed read the adopted image, and answer what was under way from it', async (t) => {
  const [origin, folder] = [temporaryFolder(t), temporaryFolder(t)];
  filledWriter(t, origin, ['CREATE TABLE new (x)']).close();
  const image = await imageOf(t, origin);
  const old = filledWriter(t, folder, ['CREATE TABLE old (x)']);
  const pool = openPool(t, folder);
  assert.match(await ask(pool), /\["old"\]/);
  old.close();
  const { generation } = await take(folder, image.offer, bytesOf(image));
  writerIn(t, folder, { cluster, generation }).removeLeftovers(false);
  // Until they are told, readers keep what they have open, whole.
  assert.match(await ask(pool), /\["old"\]/);
  const underWay = ask(pool);
  pool.renew();
  assert.match(await underWay, /\["new"\]/);
  assert.match(await ask(pool), /\["new"\]/);
});

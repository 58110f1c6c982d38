// A program that takes an image in and adopts it, with the product's own parts in the product's
// order, and kills itself right before the given one of its changes to the disk:
//
//   node adoption-main.ts FOLDER IMAGE OFFER KILL-BEFORE
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageOffer } from '#db/image/image-offer.ts';
import { ImageIntake } from '#db/image/take-image.ts';
import { openWriter } from '#db/open-writer.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { appendRecords } from '#log/append-records.ts';
import { encodeBatch } from '#log/log-record.ts';
import { LogState } from '#log/log-state.ts';
import { SegmentedLog } from '#log/segmented-log.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';
import { cluster } from '../../db/image/support.ts';
import { killingFiles } from '../../killing-files.ts';

const [folder = '', imagePath = '', offerText = '', killBefore = ''] = process.argv.slice(2);
const offer = JSON.parse(offerText) as ImageOffer;

const killing = killingFiles(systemFiles, Number(killBefore));
killing.arm();
const { files } = killing;

const effects = { files, random: cryptoRandom, clock: systemClock };

const intake = ImageIntake.open({ dataFolder: folder, offer, cluster, files });
intake.write(readFileSync(imagePath));
const { generation } = await intake.finish();

const log = new SegmentedLog(
  { folder: join(folder, 'raft'), segmentBytes: 1 << 20, recentBytesMax: 0 },
  effects,
);
const state = LogState.of(log.recovered);
const records = appendRecords(
  {
    snapshot: { index: logIndex(offer.index), term: term(offer.term) },
    truncateFrom: undefined,
    entries: [],
    hardState: { ...state.hardState, commitIndex: logIndex(offer.index) },
  },
  state,
);
log.append(encodeBatch(records));

const writer = openWriter({ dataFolder: folder, cluster, generation, ...effects });
writer.removeLeftovers(false);
writer.close();
process.stdout.write('adopted\n');

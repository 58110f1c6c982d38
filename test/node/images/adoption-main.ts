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
import { type FileSystem, type OpenFile, systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { appendRecords } from '#log/append-records.ts';
import { encodeBatch } from '#log/log-record.ts';
import { LogState } from '#log/log-state.ts';
import { SegmentedLog } from '#log/segmented-log.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';
import { cluster } from '../../db/image/support.ts';

const [folder = '', imagePath = '', offerText = '', killBefore = ''] = process.argv.slice(2);
const offer = JSON.parse(offerText) as ImageOffer;

let changes = 0;
const change = (what: string): void => {
  if (changes === Number(killBefore)) {
    process.stdout.write(`${what}\n`);
    process.kill(process.pid, 'SIGKILL');
    // Until the signal is there.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  changes += 1;
};

const countedFile = (file: OpenFile, path: string): OpenFile => ({
  ...file,
  write: (parts, position) => {
    change(`write ${path}`);
    file.write(parts, position);
  },
  syncData: () => {
    change(`sync ${path}`);
    file.syncData();
  },
});

const files: FileSystem = {
  ...systemFiles,
  open: (path, access) => countedFile(systemFiles.open(path, access), path),
  create: (path, mode) => {
    change(`create ${path}`);
    return countedFile(systemFiles.create(path, mode), path);
  },
  createFolder: (path, mode) => {
    change(`make ${path}`);
    systemFiles.createFolder(path, mode);
  },
  rename: (from, to) => {
    change(`rename ${from} ${to}`);
    systemFiles.rename(from, to);
  },
  remove: (path) => {
    change(`remove ${path}`);
    systemFiles.remove(path);
  },
  removeFolder: (path) => {
    change(`remove ${path}`);
    systemFiles.removeFolder(path);
  },
  syncFolder: (path) => {
    change(`sync ${path}`);
    systemFiles.syncFolder(path);
  },
};

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

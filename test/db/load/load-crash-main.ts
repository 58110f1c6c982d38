// A program that applies the last step of a load, with the product's own writer, and kills itself
// right before the given one of its changes to the disk:
//
//   node load-crash-main.ts FOLDER ENTRY KILL-BEFORE
import { readFileSync } from 'node:fs';
import { openWriter } from '#db/open-writer.ts';
import type { CommittedEntry } from '#db/writer.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { killingFiles } from '../../killing-files.ts';

const [folder = '', entryPath = '', killBefore = ''] = process.argv.slice(2);
const { data, ...entry } = JSON.parse(readFileSync(entryPath, 'utf8')) as Omit<
  CommittedEntry,
  'data'
> & { readonly data: string };

const killing = killingFiles(systemFiles, Number(killBefore));
const effects = { files: killing.files, random: cryptoRandom, clock: systemClock };
const writer = openWriter({ dataFolder: folder, ...effects });
killing.arm();
writer.apply([{ ...entry, data: Buffer.from(data, 'base64') }]);
writer.removeLeftovers(false);
writer.close();
process.stdout.write('applied\n');

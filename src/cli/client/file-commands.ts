// `stockade backup`, `dump`, `restore`: a database to a file and back, over the API like any
// client.
import {
  contentOfBackup,
  isGzipFile,
  withFetched,
  withUncompressed,
} from '#cli/backups/checked-file.ts';
import { storeOption, withStore } from '#cli/backups/open-store-file.ts';
import type { Command, CommandInput } from '#cli/command.ts';
import { CodedError } from '#errors.ts';
import type { ApiClient } from './api-client.ts';
import { placeOptions } from './server-place.ts';
import { loadFile, saveBackup } from './transfer.ts';
import { withClient } from './with-client.ts';

const say = (text: string): void => {
  process.stderr.write(text);
};

const fileOf = (input: CommandInput, example: string): string => {
  const [file, ...more] = input.words;
  if (file !== undefined && more.length === 0) return file;
  throw new CodedError('usage', 'name the one file; - is the standard stream', {
    hint: `For example: ${example}`,
  });
};

const backupExample = 'stockade backup before-upgrade.sqlite';
/** Saves the database as a SQLite file. */
export const backupCommand: Command = {
  name: 'backup',
  summary: 'save the database of a running cluster as a SQLite file',
  usage: 'stockade backup FILE [--gzip] [--vacuum] [--server PLACE] [OPTIONS]',
  example: backupExample,
  takesSettings: false,
  options: [
    { name: 'gzip', kind: 'switch', value: '', standard: 'false', meaning: 'compress the file' },
    { name: 'vacuum', kind: 'switch', value: '', standard: 'false', meaning: 'without free pages' },
    ...placeOptions,
  ],
  run: (input) => {
    const file = fileOf(input, backupExample);
    const wishes = [
      ...(input.on('gzip') ? ['compress'] : []),
      ...(input.on('vacuum') ? ['vacuum'] : []),
    ];
    const query = wishes.length === 0 ? '' : `?${wishes.join('&')}`;
    return withClient(input, async (client) => {
      await saveBackup(client, `/db/backup${query}`, file, say);
      if (file === '-') return;
      const { rows, digest } = await contentOfBackup(file);
      say(`it opens and is sound: ${rows} rows, content hash ${digest}\n`);
    });
  },
};

const dumpExample = 'stockade dump - > everything.sql';
/** Saves the database as SQL. */
export const dumpCommand: Command = {
  name: 'dump',
  summary: 'save the database of a running cluster as SQL text',
  usage: 'stockade dump FILE [--tables A,B] [--server PLACE] [OPTIONS]',
  example: dumpExample,
  takesSettings: false,
  options: [
    { name: 'tables', kind: 'text', value: 'A,B', standard: '', meaning: 'only these tables' },
    ...placeOptions,
  ],
  run: (input) => {
    const file = fileOf(input, dumpExample);
    const only = input.given('tables') ? `&tables=${encodeURIComponent(input.text('tables'))}` : '';
    return withClient(input, (client) =>
      saveBackup(client, `/db/backup?fmt=sql${only}`, file, say),
    );
  },
};

/**
 * Loads a SQLite file or SQL text and says so under the name `name`.
 *
 * @throws CodedError as `loadFile`
 */
export const loadAs = async (client: ApiClient, path: string, name: string): Promise<void> => {
  await loadFile(client, path, say);
  say(`${name} is loaded\n`);
};

const restore = async (input: CommandInput, client: ApiClient): Promise<void> => {
  if (input.given('store')) {
    const wanted = input.given('name') ? input.text('name') : undefined;
    await withStore(input, (store) =>
      withFetched(store, wanted, (path, name) => {
        say(`${name} is here, and sound\n`);
        return loadAs(client, path, name);
      }),
    );
    return;
  }
  const file = fileOf(input, restoreExample);
  if (isGzipFile(file)) await withUncompressed(file, (path) => loadAs(client, path, file));
  else await loadAs(client, file, file);
};

const restoreExample = 'stockade restore before-upgrade.sqlite --force';
/** Loads a SQLite file, SQL text, or a backup out of a store. */
export const restoreCommand: Command = {
  name: 'restore',
  summary: 'load a SQLite file (it replaces all that is there) or SQL text into a running cluster',
  usage: 'stockade restore FILE|--store FILE [--name NAME] --force [--server PLACE] [OPTIONS]',
  example: restoreExample,
  takesSettings: false,
  options: [
    {
      name: 'force',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'yes: what is in the database now may be replaced',
    },
    storeOption,
    {
      name: 'name',
      kind: 'text',
      value: 'NAME',
      standard: '',
      meaning: 'which backup of the store; the newest when there is none',
    },
    ...placeOptions,
  ],
  run: (input) => {
    if (!input.given('store')) fileOf(input, restoreExample);
    if (!input.on('force')) {
      throw new CodedError('already_exists', 'a restore replaces what is in the database', {
        hint: 'Make a backup of it first (stockade backup FILE), then give --force.',
      });
    }
    return withClient(input, (client) => restore(input, client));
  },
};

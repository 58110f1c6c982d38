// `stockade import`: what of an rqlite can be taken over. Its flags are said as settings, its users
// get into the auth file with their passwords hashed, its backup into a running cluster. Each part
// by itself or together; what changes something says so.
import { resolve } from 'node:path';
import { withUncompressed } from '#cli/backups/checked-file.ts';
import { loadAs } from '#cli/client/file-commands.ts';
import { placeOptions } from '#cli/client/server-place.ts';
import { withClient } from '#cli/client/with-client.ts';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { fileOptions } from '#cli/users/auth-file-edit.ts';
import { importUsersFrom } from '#cli/users/import-command.ts';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { readPublicText } from '#node/node-files.ts';
import { flagsFrom, wordsOf, wordsOfUnit } from './command-line.ts';
import { flagsTable, settingsText, switches, translatedFlag } from './translate-flags.ts';

const example =
  'stockade import --service /etc/systemd/system/rqlite.service --auth /etc/rqlite/auth.json';

const sqliteStart = Buffer.from('SQLite format 3\0');

const say = (text: string): void => {
  process.stderr.write(text);
};

const isDatabase = (path: string): boolean => {
  const file = systemFiles.open(path, 'read');
  try {
    const start = Buffer.alloc(sqliteStart.length);
    file.read(start, 0);
    return start.equals(sqliteStart) || start.readUInt16BE(0) === 0x1f8b;
  } finally {
    file.close();
  }
};

const sayFlags = (words: readonly string[], json: boolean): void => {
  const { flags, dataFolder } = flagsFrom(words, switches);
  const translated = flags.map(translatedFlag);
  const text = settingsText(translated);
  if (json) {
    process.stdout.write(`${JSON.stringify({ flags: translated, dataFolder }, undefined, 2)}\n`);
    return;
  }
  process.stdout.write(flagsTable(translated));
  if (dataFolder !== '') {
    process.stdout.write(`\n${dataFolder}: rqlite's own format; take a backup for --database\n`);
  }
  if (text !== '') {
    process.stdout.write(`\nFor node.yaml, behind what stockade init or join made:\n\n${text}`);
  }
};

const importDatabase = async (input: CommandInput): Promise<void> => {
  const file = resolve(input.text('database'));
  if (systemFiles.status(file)?.kind !== 'file') {
    throw new CodedError('usage', `there is no file ${file}`, { hint: `For example: ${example}` });
  }
  if (!input.on('force')) {
    throw new CodedError('already_exists', 'an import replaces what is in the database', {
      hint: 'Give --force when that is what you want.',
    });
  }
  await withClient(input, async (client) => {
    if (isDatabase(file)) {
      await withUncompressed(file, (path, { rows, digest }) => {
        say(`${file} is a sound database: ${rows} rows, content ${digest}\n`);
        return loadAs(client, path, file);
      });
    } else await loadAs(client, file, file);
  });
};

const run = async (input: CommandInput): Promise<number> => {
  const parts = ['flags', 'service', 'auth', 'database'].filter((name) => input.given(name));
  if (parts.length === 0 || input.words.length > 0) {
    throw new CodedError('usage', 'name what is to be imported', {
      hint: `For example: ${example}`,
    });
  }
  if (input.given('flags')) sayFlags(wordsOf(input.text('flags')), input.on('json'));
  if (input.given('service')) {
    const unit = readPublicText(resolve(input.text('service')), systemFiles);
    sayFlags(wordsOfUnit(unit), input.on('json'));
  }
  if (input.given('auth')) importUsersFrom(resolve(input.text('auth')), input);
  if (input.given('database')) await importDatabase(input);
  return exitCodes.done;
};

const text = (name: string, value: string, meaning: string) =>
  ({ name, kind: 'text', value, standard: '', meaning }) as const;
const on = (name: string, meaning: string) =>
  ({ name, kind: 'switch', value: '', standard: 'false', meaning }) as const;

/** The command. */
export const importCommand: Command = {
  name: 'import',
  summary: 'take over an rqlite: its flags as settings, its users, its database',
  usage:
    'stockade import [--flags TEXT] [--service FILE] [--auth FILE] [--database FILE --force] [OPTIONS]',
  example,
  takesSettings: false,
  options: [
    text('flags', 'TEXT', 'the flags of rqlited; prints the settings they are'),
    text('service', 'FILE', 'a unit of systemd that starts rqlited; the same'),
    text('auth', 'FILE', "rqlite's auth file: its users get into --file, passwords hashed"),
    ...fileOptions,
    on('replace', 'replace users of the same name'),
    text('database', 'FILE', 'a backup of rqlite: an SQLite file, gzipped or not, or SQL'),
    on('force', 'yes: what is in the database now may be replaced'),
    on('json', 'flags for programs'),
    ...placeOptions,
  ],
  run,
};

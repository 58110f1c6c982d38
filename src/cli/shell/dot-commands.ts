// The shell's own commands: a table of names, words and work, from which `.help` is made.
import { resolve } from 'node:path';
import { loadFile, saveBackup } from '#cli/client/transfer.ts';
import { CodedError } from '#errors.ts';
import { appendText, readTextFile } from '#io/text-files.ts';
import { nearestOf } from '#node/nearest.ts';
import { levels } from './levels.ts';
import { modes, safeText } from './render.ts';
import type { RunCommand, Session } from './session.ts';

/** One command. */
interface DotCommand {
  readonly name: string;
  readonly words: string;
  readonly meaning: string;
  readonly run: (session: Session, words: readonly string[]) => Promise<void>;
}

const wrong = (name: string, words: string): CodedError =>
  new CodedError('usage', `that is not how ${name} is used`, { hint: `usage: ${name} ${words}` });

const one = (words: readonly string[], name: string, usage: string): string => {
  const [word, ...more] = words;
  if (word === undefined || more.length > 0) throw wrong(name, usage);
  return word;
};

/** One of a list, or what holds now when no word is given. */
const choose = <Choice extends string>(
  session: Session,
  words: readonly string[],
  name: string,
  choices: readonly Choice[],
  now: Choice,
): Choice => {
  if (words.length === 0) {
    session.say(`${name.slice(1)} is ${now}; there are ${choices.join(', ')}\n`);
    return now;
  }
  const found = choices.find((choice) => choice === words[0]);
  if (found === undefined || words.length > 1) throw wrong(name, choices.join('|'));
  return found;
};

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const query = async (session: Session, sql: string): Promise<readonly (readonly string[])[]> => {
  const [result] = await session.run([sql]);
  if (result?.kind === 'failed') throw new CodedError('bad_request', result.message);
  return result?.kind === 'rows' ? result.rows.map((row) => row.map(String)) : [];
};

const ownTables = String.raw`name NOT LIKE 'sqlite\_%' ESCAPE '\'`;

/** Names or texts out of the schema, one a line. */
const listed =
  (column: 'name' | 'sql', kinds: readonly string[]) =>
  async (session: Session, words: readonly string[]): Promise<void> => {
    const like = words[0] === undefined ? '' : ` AND tbl_name LIKE ${quoted(words[0])}`;
    const types = kinds.map(quoted).join(',');
    const sql = `SELECT ${column} FROM sqlite_schema WHERE type IN (${types}) AND ${ownTables}${like} AND sql IS NOT NULL ORDER BY tbl_name, type DESC, name`;
    for (const [text = ''] of await query(session, sql)) {
      const lines = text.split('\n').map(safeText).join('\n');
      await session.write(column === 'sql' ? `${lines};\n` : `${lines}\n`);
    }
  };

const shownJson =
  (path: (words: readonly string[]) => string) =>
  async (session: Session, words: readonly string[]): Promise<void> => {
    const text = await session.client.ask({ path: path(words) });
    await session.write(text.endsWith('\n') ? text : `${text}\n`);
  };

const onOff = ['on', 'off'] as const;

const switched =
  (name: string, key: 'timer' | 'changes') =>
  (session: Session, words: readonly string[]): Promise<void> => {
    const now = session.state[key] ? 'on' : 'off';
    session.state[key] = choose(session, words, name, onOff, now) === 'on';
    return Promise.resolve();
  };

const exit = (session: Session): Promise<void> => {
  session.over = true;
  return Promise.resolve();
};

const restore = async (session: Session, words: readonly string[]): Promise<void> => {
  const file = one(words, '.restore', 'FILE');
  await loadFile(session.client, file, (said) => session.say(said));
  session.say(`loaded ${file}\n`);
};

const backup = async (session: Session, words: readonly string[]): Promise<void> => {
  const file = one(words, '.backup', 'FILE');
  await saveBackup(session.client, '/db/backup', file, (said) => session.say(said));
};

const dump = async (session: Session, words: readonly string[]): Promise<void> => {
  const [file, tables, ...more] = words;
  if (file === undefined || more.length > 0) throw wrong('.dump', 'FILE [TABLE,TABLE]');
  const only = tables === undefined ? '' : `&tables=${encodeURIComponent(tables)}`;
  await saveBackup(session.client, `/db/backup?fmt=sql${only}`, file, (said) => session.say(said));
};

/** Larger ones are for /db/load, which does not go through statements one by one. */
const scriptBytesMax = 16 * 1024 * 1024;

const read = async (session: Session, words: readonly string[]): Promise<void> => {
  const path = resolve(one(words, '.read', 'FILE'));
  const text = await readTextFile(path, scriptBytesMax).catch((error: unknown) => {
    throw new CodedError('usage', `${path} cannot be read: ${(error as Error).message}`, {
      hint: 'A file of statements has 16 MiB at most; .restore takes larger ones.',
    });
  });
  for (const line of text.split('\n')) {
    // A file that reads itself would never end.
    if (/^\s*\.read\b/.test(line)) throw wrong('.read', 'FILE (files do not read others)');
    await session.line(line);
  }
  await session.finish();
};

const output = async (session: Session, words: readonly string[]): Promise<void> => {
  const file = words[0] ?? 'stdout';
  if (words.length > 1) throw wrong('.output', '[FILE]');
  if (file === 'stdout') session.state.output = undefined;
  else {
    const path = resolve(file);
    // A name that cannot be written is told now and not in the middle of the data.
    await appendText(path, '').catch((error: unknown) => {
      throw new CodedError('usage', `${path} cannot be written: ${(error as Error).message}`);
    });
    session.state.output = (text) => appendText(path, text);
  }
};

const show = async (session: Session): Promise<void> => {
  const { mode, level, timer, changes } = session.state;
  await session.write(
    `server ${session.client.place.url.origin}\nmode ${mode}\nlevel ${level}\n` +
      `timer ${timer ? 'on' : 'off'}\nchanges ${changes ? 'on' : 'off'}\n`,
  );
};

const stepDown = async (session: Session, words: readonly string[]): Promise<void> => {
  const body = words[0] === undefined ? '{}' : JSON.stringify({ id: words[0] });
  await session.client.ask({ method: 'POST', path: '/leader?wait=true', body });
  session.say('another node leads\n');
};

const remove = async (session: Session, words: readonly string[]): Promise<void> => {
  const id = one(words, '.remove', 'NAME');
  await session.client.ask({ method: 'DELETE', path: '/remove', body: JSON.stringify({ id }) });
  session.say(`${id} is no member any more\n`);
};

const help = async (session: Session): Promise<void> => {
  const rows = dotCommands.map(({ name, words, meaning }) => [`${name} ${words}`.trim(), meaning]);
  const width = Math.max(...rows.map(([left = '']) => left.length));
  for (const [left = '', meaning = ''] of rows) {
    await session.write(`${left.padEnd(width)}  ${meaning}\n`);
  }
};

const command = (
  name: string,
  words: string,
  meaning: string,
  run: DotCommand['run'],
): DotCommand => ({ name, words, meaning, run });

/** Every command, in the order of `.help`. */
export const dotCommands: readonly DotCommand[] = [
  command('.backup', 'FILE', 'save the database as a SQLite file', backup),
  command(
    '.changes',
    'on|off',
    'tell how many rows a write changed',
    switched('.changes', 'changes'),
  ),
  command('.consistency', levels.join('|'), 'how fresh reads must be', (session, words) => {
    const { state } = session;
    state.level = choose(session, words, '.consistency', levels, state.level);
    return Promise.resolve();
  }),
  command('.dump', 'FILE [TABLE,TABLE]', 'save the database, or some tables, as SQL', dump),
  command('.exit', '', 'leave (also Ctrl-D)', exit),
  command('.help', '', 'this list', help),
  command('.indexes', '[TABLE]', 'names of indexes', listed('name', ['index'])),
  command(
    '.leader',
    '',
    'which node leads',
    shownJson(() => '/leader?pretty'),
  ),
  command('.mode', modes.join('|'), 'how rows are shown', (session, words) => {
    session.state.mode = choose(session, words, '.mode', modes, session.state.mode);
    return Promise.resolve();
  }),
  command(
    '.nodes',
    '[all]',
    'the members of the cluster; all: with those that only read',
    shownJson((words) => (words[0] === 'all' ? '/nodes?pretty&nonvoters' : '/nodes?pretty')),
  ),
  command('.output', '[FILE]', 'append data to a file; without a name to the screen again', output),
  command('.quit', '', 'leave', exit),
  command('.read', 'FILE', 'run the statements and commands of a file', read),
  command(
    '.ready',
    '',
    'whether this node serves',
    shownJson(() => '/readyz'),
  ),
  command('.remove', 'NAME', 'remove a member for good', remove),
  command(
    '.restore',
    'FILE',
    'load a SQLite file or SQL text; what is there is replaced by a file',
    restore,
  ),
  command(
    '.schema',
    '[TABLE]',
    'the statements that made tables, views, indexes and triggers',
    listed('sql', ['table', 'view', 'index', 'trigger']),
  ),
  command('.show', '', 'the settings of this shell', show),
  command(
    '.status',
    '',
    'what this node says of itself',
    shownJson(() => '/status?pretty'),
  ),
  command('.stepdown', '[NAME]', 'have another node lead', stepDown),
  command(
    '.tables',
    '[TABLE]',
    'names of tables and views; % stands for anything',
    listed('name', ['table', 'view']),
  ),
  command('.timer', 'on|off', 'tell how long a statement took', switched('.timer', 'timer')),
];

/** Runs the command of a name. @throws CodedError `usage` with the nearest name */
export const runDotCommand: RunCommand = async (name, session, words) => {
  const found = dotCommands.find((candidate) => candidate.name === name);
  if (found !== undefined) {
    await found.run(session, words);
    return;
  }
  const names = dotCommands.map((candidate) => candidate.name);
  throw new CodedError('usage', `there is no command ${safeText(name)}`, {
    hint: `Did you mean ${nearestOf(name, names)}? .help lists them.`,
  });
};

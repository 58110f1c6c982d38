// `stockade shell`: SQL at the terminal, or from a pipe for programs.
import { createInterface } from 'node:readline';
import { ApiClient } from '#cli/client/api-client.ts';
import { placeOptions, serverPlaceFrom } from '#cli/client/server-place.ts';
import type { Command, CommandInput, CommandOption } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { CodedError } from '#errors.ts';
import { runDotCommand } from './dot-commands.ts';
import { historyPath } from './history.ts';
import { type Level, levels } from './levels.ts';
import { type Mode, modes } from './render.ts';
import { Session } from './session.ts';
import { runTerminal } from './terminal.ts';

const chosen = (name: string, choices: readonly string[], meaning: string): CommandOption => ({
  name,
  kind: 'text',
  value: choices.join('|'),
  standard: choices[0] ?? '',
  meaning,
});

const choiceOf = <Choice extends string>(
  input: CommandInput,
  name: string,
  choices: readonly Choice[],
): Choice => {
  const text = input.text(name);
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new CodedError('usage', `--${name} is ${JSON.stringify(text)}`, {
    hint: `Use one of ${choices.join(', ')}.`,
  });
};

const levelsWeakFirst: readonly Level[] = ['weak', ...levels.filter((level) => level !== 'weak')];

const shellInput = (input: CommandInput): { readonly mode: Mode; readonly level: Level } => ({
  mode: choiceOf(input, 'mode', modes),
  level: choiceOf(input, 'level', levelsWeakFirst),
});

/** Every line of standard input; a statement without its semicolon counts at the end. */
const runPipe = async (session: Session): Promise<void> => {
  for await (const line of createInterface({ input: process.stdin })) {
    await session.line(line);
    if (session.over) return;
  }
  await session.finish();
};

const welcome = (session: Session): string =>
  `${session.client.place.url.origin}; a statement ends with a semicolon, .help lists commands, Ctrl-D leaves\n`;

const run = async (input: CommandInput): Promise<number> => {
  const { mode, level } = shellInput(input);
  const client = new ApiClient(await serverPlaceFrom(input));
  const person = process.stdin.isTTY && process.stdout.isTTY && input.words.length === 0;
  const session = new Session({
    runCommand: runDotCommand,
    client,
    mode,
    level,
    write: (text) => process.stdout.write(text),
    say: (text) => process.stderr.write(text),
    nowMs: () => performance.now(),
  });
  // What a write changed is news to a person and noise in a script.
  session.state.changes = person;
  try {
    // Whether the server is there and takes these credentials is known before the first statement.
    await client.ask({ path: '/whoami' });
    for (const word of input.words) {
      await session.line(word);
      await session.finish();
    }
    if (person) {
      process.stderr.write(welcome(session));
      await runTerminal(session, historyPath(), () => performance.now());
      return exitCodes.done;
    }
    if (input.words.length === 0) await runPipe(session);
    return session.failures === 0 ? exitCodes.done : exitCodes.failed;
  } finally {
    client.close();
  }
};

/** The command. */
export const shellCommand: Command = {
  name: 'shell',
  summary: 'SQL at the terminal, or from words or a pipe',
  usage: 'stockade shell [--server PLACE] [OPTIONS] [STATEMENT...]',
  example: 'stockade shell --server stockade-data/cluster.json --mode csv "SELECT * FROM t"',
  takesSettings: false,
  options: [
    chosen('mode', modes, 'how rows are shown'),
    chosen('level', levelsWeakFirst, 'how fresh reads must be'),
    ...placeOptions,
  ],
  run,
};

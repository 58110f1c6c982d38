// Reads a command line by a command's option table, and writes the help text from the same
// table, so that the two cannot differ.
import { parseArgs } from 'node:util';
import { CodedError } from '#errors.ts';
import type { Command, Option, OptionTable, Typed } from './command.ts';

/** The name people type. */
export const programName = 'stockade-certs';

/** Options every command has. */
const commonOptions: OptionTable = {
  json: { type: 'boolean', help: 'print data (and errors) as JSON' },
  help: { type: 'boolean', help: 'show this text' },
};

const exitCodes = [
  ['0', 'done'],
  ['1', 'failed, or what was checked is not in order'],
  ['2', 'wrong usage'],
  ['5', 'nothing changed because a guard said no'],
  ['78', 'bad configuration: a name, a lifetime, a permission'],
] as const;

/** A usage error with the way to the help text. */
export const usageError = (why: string, command?: string): CodedError =>
  new CodedError('usage', why, {
    hint: `see \`${[programName, command, '--help'].filter(Boolean).join(' ')}\``,
  });

const optionsOf = (command: Command): OptionTable => ({ ...command.options, ...commonOptions });

const parsed = (command: Command, words: readonly string[]) => {
  try {
    return parseArgs({
      args: [...words],
      options: Object.fromEntries(
        Object.entries(optionsOf(command)).map(([name, { type, multiple = false }]) => [
          name,
          { type, multiple },
        ]),
      ),
      allowPositionals: true,
      tokens: true,
    });
  } catch (cause) {
    const [sentence = ''] = (cause instanceof Error ? cause.message : '').split(/[.\n]/, 1);
    throw usageError(sentence.charAt(0).toLowerCase() + sentence.slice(1), command.name);
  }
};

/** @throws CodedError `usage` when the words do not fit the command's table */
export const typedFrom = (command: Command, words: readonly string[]): Typed => {
  const { values, positionals, tokens } = parsed(command, words);
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const once = optionsOf(command)[token.name]?.multiple !== true;
    if (once && seen.has(token.name))
      throw usageError(`--${token.name} is given twice`, command.name);
    if (token.value === '') throw usageError(`--${token.name} is empty`, command.name);
    seen.add(token.name);
  }
  const { min, max } = command.words;
  const { help } = values;
  const wanted = help !== true;
  if (wanted && positionals.length < min) throw usageError('a word is missing', command.name);
  if (wanted && positionals.length > max) {
    throw usageError(`${JSON.stringify(positionals[max])} is one word too many`, command.name);
  }
  const text = (option: string) => {
    const value = values[option];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    command: command.name,
    words: positionals,
    text,
    texts: (option) => {
      const value = values[option];
      return Array.isArray(value) ? value.map(String) : [];
    },
    flag: (option) => values[option] === true,
  };
};

const table = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
};

const optionUsage = ([name, { value, multiple }]: [string, Option]): string =>
  `--${name}${value === undefined ? '' : ` ${value}`}${multiple === true ? ' ...' : ''}`;

/** Help of one command. */
export const commandHelp = (command: Command): string[] => [
  `usage: ${programName} ${[command.name, command.parameters].join(' ').trim()} [OPTION ...]`,
  '',
  command.summary,
  '',
  'options:',
  ...table(Object.entries(optionsOf(command)).map((row) => [optionUsage(row), row[1].help])),
  '',
  'example:',
  `  ${programName} ${command.example}`,
  '',
  'exit status:',
  ...table(exitCodes),
];

/** Help of the program, or of the commands that begin with one word. */
export const programHelp = (commands: readonly Command[]): string[] => [
  `usage: ${programName} COMMAND [WORD ...] [OPTION ...]`,
  '',
  'Certificates of a cluster: authorities, nodes, HTTPS servers, users. Works without a running node.',
  '',
  'commands:',
  ...table(commands.map(({ name, summary }) => [name, summary])),
  '',
  'options:',
  ...table([
    ['--help', 'show this text; after a command, its own'],
    ['--version', 'show the version'],
  ]),
  '',
  'example:',
  `  ${programName} ca new`,
  '',
  'exit status:',
  ...table(exitCodes),
];

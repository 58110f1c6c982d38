// The help texts, made from the tables.
import { environmentNameOf, settings } from '#node/settings.ts';
import type { Command } from './command.ts';

const column = 26;

const row = (left: string, right: string): string => `  ${left.padEnd(column)} ${right}\n`;

const exits =
  'exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not reachable,\n' +
  '            5 nothing changed because a guard said no, 78 bad configuration\n';

/** `stockade --help`. */
export const programHelp = (commands: readonly Command[]): string =>
  `Stockade: a replicated SQLite server that is safe by default\n\n` +
  `usage: stockade COMMAND [OPTIONS]\n\n` +
  commands.map(({ name, summary }) => row(name, summary)).join('') +
  row('--version', 'print the version') +
  `\nexample: stockade up --nodes 3\n\n` +
  `stockade COMMAND --help tells more of a command\n${exits}`;

/** `stockade user --help`: the commands that begin with the same words. */
export const groupHelp = (words: string, commands: readonly Command[]): string =>
  `usage: stockade ${words} COMMAND [OPTIONS]\n\n` +
  commands.map(({ name, summary }) => row(name, summary)).join('') +
  `\nexample: ${commands[0]?.example ?? ''}\n\n` +
  `stockade ${words} COMMAND --help tells more of a command\n${exits}`;

/** `stockade COMMAND --help`. */
export const commandHelp = (command: Command): string => {
  const options = command.options.map(({ name, value, standard, meaning }) => {
    const left = value === '' ? `--${name}` : `--${name} ${value}`;
    return row(left, standard === '' || value === '' ? meaning : `${meaning} [${standard}]`);
  });
  const keys = command.takesSettings
    ? settings.map(({ key, meaning }) => row(`--${key}`, `${meaning} (${environmentNameOf(key)})`))
    : [];
  return (
    `${command.summary}\n\nusage: ${command.usage}\n\n${options.join('')}` +
    (keys.length === 0 ? '' : `\nsettings (flag, name in the environment):\n${keys.join('')}`) +
    `\nexample: ${command.example}\n${exits}`
  );
};

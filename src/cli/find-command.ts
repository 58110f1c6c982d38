// Which command the words on the command line name: the longest name that they begin with, because
// some commands have two words or three (`user add`, `user token revoke`).
import { CodedError } from '#errors.ts';
import { nearestOf } from '#node/nearest.ts';
import type { Command } from './command.ts';

/** The command, a group of commands whose common words were given, or neither. */
export type Found =
  | { readonly kind: 'command'; readonly command: Command; readonly rest: readonly string[] }
  | { readonly kind: 'group'; readonly commands: readonly Command[]; readonly words: string };

/** @throws CodedError `usage` with the nearest command when there is none of this name */
export const findCommand = (commands: readonly Command[], words: readonly string[]): Found => {
  const options = words.findIndex((word) => word.startsWith('-'));
  const names = options < 0 ? words : words.slice(0, options);
  for (let count = names.length; count > 0; count--) {
    const name = names.slice(0, count).join(' ');
    const command = commands.find((candidate) => candidate.name === name);
    if (command !== undefined) return { kind: 'command', command, rest: words.slice(count) };
  }
  const given = names.length === 0 ? (words[0] ?? '') : names.join(' ');
  const group = commands.filter((command) => command.name.startsWith(`${given} `));
  if (group.length > 0) return { kind: 'group', commands: group, words: given };
  const known = commands.map(({ name }) => name);
  const nearest = nearestOf(given, known);
  throw new CodedError('usage', `there is no command ${JSON.stringify(given)}`, {
    hint: `Did you mean ${nearest}? See: stockade --help`,
  });
};

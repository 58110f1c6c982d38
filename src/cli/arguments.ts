// The command line to a command's input. What cannot be read is a `usage` error that names the
// word.
import { CodedError } from '#errors.ts';
import { nearestOf } from '#node/nearest.ts';
import { settings } from '#node/settings.ts';
import type { Command, CommandInput, CommandOption } from './command.ts';

const usage = (command: Command, message: string, hint?: string): CodedError =>
  new CodedError('usage', message, {
    hint: hint ?? `See: stockade ${command.name} --help`,
  });

/** Splits `--name=value`; undefined for a word that is no option. */
const optionOf = (word: string): { name: string; value: string | undefined } | undefined => {
  if (!word.startsWith('--')) return undefined;
  const at = word.indexOf('=');
  return at < 0
    ? { name: word.slice(2), value: undefined }
    : { name: word.slice(2, at), value: word.slice(at + 1) };
};

const settingKeys = new Set(settings.map(({ key }) => key));

/** @throws CodedError `usage` with the word that cannot be read */
export const commandInputFrom = (command: Command, words: readonly string[]): CommandInput => {
  const given = new Map<string, string>();
  const settingValues = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const option = optionOf(word);
    if (option === undefined) {
      rest.push(word);
      continue;
    }
    const known = command.options.find(({ name }) => name === option.name);
    if (known === undefined && !(command.takesSettings && settingKeys.has(option.name))) {
      throw usage(
        command,
        `there is no option --${option.name}`,
        nearestHint(command, option.name),
      );
    }
    if (known?.kind === 'switch') {
      if (option.value !== undefined) throw usage(command, `--${option.name} takes no value`);
      given.set(option.name, 'true');
      continue;
    }
    const value = option.value ?? words[++at];
    if (value === undefined) throw usage(command, `--${option.name} needs a value`);
    (known === undefined ? settingValues : given).set(option.name, value);
  }
  const text = (name: string): string => {
    const option = command.options.find((candidate) => candidate.name === name);
    return given.get(name) ?? option?.standard ?? '';
  };
  for (const option of command.options) checkOption(command, option, text(option.name));
  return {
    text,
    whole: (name) => Number(text(name)),
    on: (name) => text(name) === 'true',
    given: (name) => given.has(name),
    words: rest,
    settings: settingValues,
  };
};

const nearestHint = (command: Command, name: string): string => {
  const known = command.options.map((option) => option.name);
  if (command.takesSettings) known.push(...settingKeys);
  return `Did you mean --${nearestOf(name, known)}? See: stockade ${command.name} --help`;
};

const checkOption = (command: Command, option: CommandOption, text: string): void => {
  if (option.kind !== 'whole' || text === '') return;
  const [min, max] = [option.min ?? 0, option.max ?? Number.MAX_SAFE_INTEGER];
  if (/^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max) return;
  throw usage(command, `--${option.name} is ${JSON.stringify(text)}`, `Use ${min} to ${max}.`);
};

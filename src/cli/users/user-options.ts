// Options and words that several of the commands for users share.
import { isPermission, permissionNames } from '#auth/permission.ts';
import { durationMsFrom } from '#cli/cluster/duration.ts';
import type { CommandInput, CommandOption } from '#cli/command.ts';
import { CodedError } from '#errors.ts';
import { nearestOf } from '#node/nearest.ts';
import type { RawUser } from './auth-file-edit.ts';

const text = (name: string, value: string, meaning: string): CommandOption => ({
  name,
  kind: 'text',
  value,
  standard: '',
  meaning,
});

/** From where a user may come, and which tables it may touch. */
export const ruleOptions: readonly CommandOption[] = [
  text(
    'allow-from',
    'RANGES',
    'only from these addresses, e.g. 10.0.0.0/8,::1; empty: from anywhere',
  ),
  text('read', 'TABLES', 'read these tables only, with commas between'),
  text('write', 'TABLES', 'write these tables only'),
  text('deadline', 'TIME', 'how long one read may run, e.g. 5s; empty: as the server has it'),
];

/** JSON instead of a table. */
export const jsonOption: CommandOption = {
  name: 'json',
  kind: 'switch',
  value: '',
  standard: 'false',
  meaning: 'print JSON',
};

/** Parts of a list with commas between. */
export const listFrom = (words: string): readonly string[] =>
  words
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** @throws CodedError `usage` with the nearest name */
export const permissionsFrom = (names: readonly string[]): readonly string[] => {
  for (const name of names) {
    if (isPermission(name)) continue;
    throw new CodedError('usage', `there is no permission ${JSON.stringify(name)}`, {
      hint: `Did you mean ${nearestOf(name, permissionNames)}? There are ${permissionNames.join(', ')}.`,
    });
  }
  return names;
};

const deadlineMsMax = 3_600_000;

const deadlineFrom = (words: string): number | undefined =>
  words === '' ? undefined : durationMsFrom('deadline', words, 1000, deadlineMsMax);

/** What of a user the options change; options that are not given change nothing. */
export const ruledBy = (input: CommandInput, user: RawUser): RawUser => {
  const { allow_from: oldRanges, tables: oldTables, statement_deadline_ms: oldMs, ...rest } = user;
  const ranges = input.given('allow-from') ? listFrom(input.text('allow-from')) : (oldRanges ?? []);
  const ruled = input.given('read') || input.given('write');
  const tables = ruled
    ? {
        read: input.given('read') ? listFrom(input.text('read')) : (oldTables?.read ?? []),
        write: input.given('write') ? listFrom(input.text('write')) : (oldTables?.write ?? []),
      }
    : oldTables;
  const deadlineMs = input.given('deadline') ? deadlineFrom(input.text('deadline')) : oldMs;
  return {
    ...rest,
    ...(ranges.length === 0 ? {} : { allow_from: ranges }),
    ...(tables === undefined ? {} : { tables }),
    ...(deadlineMs === undefined ? {} : { statement_deadline_ms: deadlineMs }),
  };
};

/** The one word that must be there. @throws CodedError `usage` */
export const oneName = (input: CommandInput, what: string, example: string): string => {
  const [name, ...more] = input.words;
  if (name !== undefined && more.length === 0) return name;
  throw new CodedError('usage', `name the ${what}`, { hint: `For example: ${example}` });
};

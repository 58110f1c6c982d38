// `stockade user token add`, `list`, `revoke`: bearer tokens. A token is shown once, when it is
// made; the auth file holds its digest only.
import { newToken } from '#auth/bearer-token.ts';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { CodedError } from '#errors.ts';
import { systemEffects } from '#node/node-effects.ts';
import {
  authFileOf,
  editUsers,
  fileOptions,
  type RawToken,
  readUsers,
  userNamed,
  withUser,
} from './auth-file-edit.ts';
import { tableText } from './list-commands.ts';
import { jsonOption, listFrom, oneName, permissionsFrom } from './user-options.ts';

const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Longer than a year is for ever to those who hand tokens out. */
const lifeMsMax = 366 * 86_400_000;

/** How long a token lives: 30d, 12h, 90m. @throws CodedError `usage` */
export const lifeMsFrom = (text: string): number => {
  const [, digits = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (unitsMs[unit] ?? 0);
  if (ms > 0 && ms <= lifeMsMax) return ms;
  throw new CodedError('usage', `--ttl is ${JSON.stringify(text)}`, {
    hint: 'Use 1m to 366d, for example 30d.',
  });
};

const add = async (input: CommandInput): Promise<number> => {
  const name = oneName(input, 'user', 'stockade user token add ci --ttl 30d');
  const expiresMs = systemEffects.clock.wallMs() + lifeMsFrom(input.text('ttl'));
  const expires = `${new Date(expiresMs).toISOString().slice(0, 19)}Z`;
  const { id, token, digest } = newToken(systemEffects.random);
  const note = input.text('note');
  const perms = permissionsFrom(listFrom(input.text('perms')));
  const listed: RawToken = {
    ...{ id, sha256: digest, expires },
    ...(note === '' ? {} : { note }),
    ...(perms.length === 0 ? {} : { perms }),
  };
  editUsers(authFileOf(input).path, (users) => {
    const user = userNamed(users, name);
    return withUser(users, { ...user, tokens: [...(user.tokens ?? []), listed] });
  });
  process.stderr.write(
    `token ${id} of ${name}, until ${expires}; it is shown this once:\n` +
      'send it as Authorization: Bearer TOKEN\n',
  );
  process.stdout.write(`${token}\n`);
  return exitCodes.done;
};

const list = async (input: CommandInput): Promise<number> => {
  const [name] = input.words;
  const users = readUsers(authFileOf(input).path);
  const chosen = name === undefined ? users : [userNamed(users, name)];
  const tokens = chosen.flatMap(({ username, tokens: own = [] }) =>
    own.map(({ id, expires, note = '', perms = [] }) => ({
      ...{ id, user: username, expires, note },
      perms: perms.length === 0 ? ['all of its user'] : perms,
    })),
  );
  process.stdout.write(
    input.on('json')
      ? `${JSON.stringify(tokens, null, 2)}\n`
      : tableText([
          ['TOKEN', 'USER', 'EXPIRES', 'OPENS', 'NOTE'],
          ...tokens.map(({ id, user, expires, perms, note }) => [
            ...[id, user, expires, perms.join(',')],
            note,
          ]),
        ]),
  );
  return exitCodes.done;
};

const revoke = async (input: CommandInput): Promise<number> => {
  const id = oneName(input, 'token by its id', 'stockade user token revoke 9f86d081884c7d65');
  // Whoever pastes the whole token means it too.
  const wanted = /^stk_([0-9a-f]{16})_/.exec(id)?.[1] ?? id;
  editUsers(authFileOf(input).path, (users) => {
    const owner = users.find(({ tokens = [] }) => tokens.some((token) => token.id === wanted));
    if (owner === undefined) {
      throw new CodedError('usage', `there is no token ${JSON.stringify(wanted)}`, {
        hint: 'See: stockade user token list',
      });
    }
    const tokens = (owner.tokens ?? []).filter((token) => token.id !== wanted);
    return withUser(users, { ...owner, tokens });
  });
  process.stderr.write(`token ${wanted} is revoked; its connections end when the file is taken\n`);
  return exitCodes.done;
};

/** The commands. */
export const userTokenCommands: readonly Command[] = [
  {
    name: 'user token add',
    summary: 'make a bearer token for a user',
    usage: 'stockade user token add NAME [--ttl 30d] [--perms NAMES] [--note TEXT] [OPTIONS]',
    example: 'stockade user token add ci --ttl 90d',
    takesSettings: false,
    options: [
      {
        name: 'ttl',
        kind: 'text',
        value: 'TIME',
        standard: '30d',
        meaning: 'how long it lives: minutes (m), hours (h) or days (d), at most 366d',
      },
      {
        name: 'perms',
        kind: 'text',
        value: 'NAMES',
        standard: '',
        meaning: 'no more than these of what its user may do; all of it unless given',
      },
      { name: 'note', kind: 'text', value: 'TEXT', standard: '', meaning: 'what it is for' },
      ...fileOptions,
    ],
    run: add,
  },
  {
    name: 'user token list',
    summary: 'list tokens by their ids',
    usage: 'stockade user token list [NAME] [--json] [OPTIONS]',
    example: 'stockade user token list',
    takesSettings: false,
    options: [jsonOption, ...fileOptions],
    run: list,
  },
  {
    name: 'user token revoke',
    summary: 'take one token away',
    usage: 'stockade user token revoke ID [OPTIONS]',
    example: 'stockade user token revoke 9f86d081884c7d65',
    takesSettings: false,
    options: fileOptions,
    run: revoke,
  },
];

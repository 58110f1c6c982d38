// The security posture of a configuration as a table: what each door asks of whom, and what was
// loosened. Says what is; it changes and refuses nothing.
import { isIP } from 'node:net';
import { anonymousName, type FileUser } from '#auth/file-user.ts';
import { type Address, addressText, type NodeConfig } from '#node/config.ts';

/** One row. */
export interface PostureRow {
  readonly what: string;
  /** `loosened`: weaker than what nobody configured. */
  readonly state: 'strict' | 'loosened';
  readonly detail: string;
}

const loopback = /^(?:127\.|::1$|localhost$)/;

const reach = (address: Address): string => {
  if (loopback.test(address.host)) return `${addressText(address)}, this machine only`;
  const everywhere = isIP(address.host) !== 0 && /^(?:0\.0\.0\.0|::)$/.test(address.host);
  return `${addressText(address)}, ${everywhere ? 'every network of this machine' : 'a network'}`;
};

const strict = (what: string, detail: string): PostureRow => ({ what, state: 'strict', detail });

const flag = (what: string, on: boolean, loosened: string): PostureRow =>
  on ? { what, state: 'loosened', detail: loosened } : strict(what, 'off');

/** The table; `users` of the auth file, when it can be read. */
export const postureOf = (
  config: NodeConfig,
  users: ReadonlyMap<string, FileUser> | undefined,
): readonly PostureRow[] => {
  const { http, peer, join, compat } = config;
  const anonymous = [...(users?.get(anonymousName)?.permissions ?? [])];
  return [
    strict(
      'peer port',
      `${reach(peer.listen)}: TLS 1.3 with a certificate of the peer CA, no other way`,
    ),
    strict(
      'join listener',
      `${reach(join.listen)}: open only while a grant is; token and proof of key`,
    ),
    strict(
      'API',
      `${reach(http.listen)}: HTTPS only, TLS 1.3 or 1.2 with forward secrecy, every request has a user`,
    ),
    strict(
      'client certificates',
      http.clientCa === undefined ? 'not asked for' : 'of the client CA name a user; never a node',
    ),
    strict('admin socket', 'in the data folder, mode 0600: the owner of the folder only'),
    anonymous.length === 0
      ? strict('without a user', '/readyz says one word')
      : {
          what: 'without a user',
          state: 'loosened',
          detail: `the user * may: ${anonymous.join(', ')}`,
        },
    http.allowOrigins.length === 0
      ? strict('pages of other sites', 'none may use the API (http.allowOrigins)')
      : {
          what: 'pages of other sites',
          state: 'loosened',
          detail: `http.allowOrigins: ${http.allowOrigins.join(', ')}`,
        },
    flag('compat.statusCodes', compat.statusCodes, '401 for everything that is turned away'),
    flag(
      'compat.doubleQuotedStrings',
      compat.doubleQuotedStrings,
      'a misspelt "column" is taken for a text',
    ),
  ];
};

// The addresses that one node listens on: each its own, or one of its listeners would be deaf.
// Asked when a configuration is read, and before a token is spent on it.
import { CodedError } from '#errors.ts';
import type { Address } from './config.ts';

/** What a node listens on. */
export interface OwnAddresses {
  readonly http: Address;
  readonly peer: Address;
  /** Of newcomers; listened on while somebody is admitted. */
  readonly join: Address;
}

/** Where newcomers are listened for unless told otherwise: the next port, or any. */
export const portBehind = ({ host, port }: Address): Address => ({
  host,
  port: port === 0 || port === 65_535 ? 0 : port + 1,
});

/** Whether a host stands for every address of a machine: nobody can dial it from elsewhere. */
export const isEverywhere = (host: string): boolean => {
  const url = `http://${host.includes(':') ? `[${host}]` : host}`;
  return URL.canParse(url) && everywhere.includes(new URL(url).hostname);
};

/** As URLs have them, however many zeros they were written with. */
const everywhere: readonly string[] = ['0.0.0.0', '[::]', '[::ffff:0:0]'];

const settingOf = { http: 'http.listen', peer: 'peer.listen', join: 'join.listen' } as const;

const overlap = (a: Address, b: Address): boolean =>
  a.port !== 0 &&
  a.port === b.port &&
  (isEverywhere(a.host) || isEverywhere(b.host) || plain(a.host) === plain(b.host));

const plain = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host.toLowerCase());

/** @throws CodedError `config_invalid` when two of them are the same, or one holds the other */
export const requireApart = (own: OwnAddresses): void => {
  const pairs = [
    ['http', 'peer'],
    ['http', 'join'],
    ['peer', 'join'],
  ] as const;
  for (const [one, other] of pairs) {
    if (!overlap(own[one], own[other])) continue;
    const [first, second] = [settingOf[one], settingOf[other]];
    throw new CodedError(
      'config_invalid',
      `${first} and ${second} are both on port ${own[one].port}`,
      {
        hint:
          other === 'join'
            ? 'Newcomers are listened for one port above peer.listen, unless join.listen says where. Choose ports that differ.'
            : 'Give each a port of its own.',
      },
    );
  }
};

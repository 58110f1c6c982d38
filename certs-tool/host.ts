// What a certificate can name a machine by: a DNS name or an IP address. Wildcards, trailing
// dots, zones and names that some readers take for addresses are refused.
import { isIP, SocketAddress } from 'node:net';
import { CodedError } from '#errors.ts';

/** Names in one certificate: enough for a machine with many addresses, small on the wire. */
const hostsMax = 64;

/** RFC 1035: 63 bytes a label, 253 a name. */
const dnsName =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A DNS name in lower case, or an IP address in its canonical text with its 4 or 16 bytes. */
export type Host =
  | { readonly kind: 'dns'; readonly text: string }
  | { readonly kind: 'ip'; readonly text: string; readonly bytes: Uint8Array };

const refuse = (text: string, why: string): never => {
  throw new CodedError('config_invalid', `${JSON.stringify(text)} cannot name a host: ${why}`, {
    hint: 'give a DNS name such as n1.example.com, or an IP address, without port and brackets',
  });
};

const ipv4Bytes = (text: string): number[] => text.split('.').map(Number);

/** The eight 16-bit groups of one side of `::`. */
const groupsOf = (side: string): number[] =>
  side === ''
    ? []
    : side.split(':').flatMap((group) => {
        if (!group.includes('.')) return [Number.parseInt(group, 16)];
        const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(group);
        return [a * 256 + b, c * 256 + d];
      });

/** The text is a valid IPv6 address: isIP has said so. */
const ipv6Bytes = (text: string): number[] => {
  const [before = '', after] = text.split('::');
  const [head, tail] = [groupsOf(before), groupsOf(after ?? '')];
  const gap = after === undefined ? [] : new Array<number>(8 - head.length - tail.length).fill(0);
  return [...head, ...gap, ...tail].flatMap((group) => [group >> 8, group & 0xff]);
};

/** Text of an address of 4 or 16 bytes as it stands in a certificate. */
export const addressText = (bytes: Uint8Array): string => {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? [];
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
};

/** @throws CodedError `config_invalid` when the text is neither a DNS name nor an address */
const hostFrom = (text: string): Host => {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version !== 0) {
    const bytes = Uint8Array.from(version === 4 ? ipv4Bytes(text) : ipv6Bytes(text));
    return { kind: 'ip', text: addressText(bytes), bytes };
  }
  const name = text.toLowerCase();
  if (name.includes('*')) return refuse(text, 'wildcards are not issued');
  if (!dnsName.test(name)) return refuse(text, 'it is neither a DNS name nor an IP address');
  if (/(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/.test(name)) {
    return refuse(text, 'a name that ends in a number is read as an IP address');
  }
  return { kind: 'dns', text: name };
};

/**
 * The hosts of a certificate, duplicates dropped, in the order given.
 *
 * @throws CodedError `config_invalid` when there is none, there are too many or one is malformed
 */
export const hostsFrom = (texts: readonly string[]): readonly Host[] => {
  const hosts = new Map(texts.map(hostFrom).map((host) => [host.text, host]));
  if (hosts.size > 0 && hosts.size <= hostsMax) return [...hosts.values()];
  throw new CodedError('config_invalid', `a certificate names 1 to ${hostsMax} hosts`, {
    hint: 'give each DNS name and IP address that others reach this machine by',
  });
};

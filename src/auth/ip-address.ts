// IP addresses as bytes, from the texts that sockets and operators write. An IPv4 address that
// comes as `::ffff:192.0.2.1` is that IPv4 address. Knows no names and no ports.

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

const partPattern = /^(?:0|[1-9]\d{0,2})$/;
const groupPattern = /^[0-9a-fA-F]{1,4}$/;
const groupCount = 8;

const bytesOfIpv4 = (text: string): readonly number[] | undefined => {
  const parts = text.split('.');
  const bytes = parts.map((part) => (partPattern.test(part) ? Number(part) : 256));
  return parts.length === 4 && bytes.every((byte) => byte < 256) ? bytes : undefined;
};

/** Groups of four digits; the last may be an IPv4 address. */
const bytesOfGroups = (text: string): readonly number[] | undefined => {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [at, group] of groups.entries()) {
    if (at === groups.length - 1 && group.includes('.')) {
      const tail = bytesOfIpv4(group);
      if (tail === undefined) return undefined;
      bytes.push(...tail);
    } else {
      if (!groupPattern.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
};

const bytesOfIpv6 = (text: string): readonly number[] | undefined => {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const before = bytesOfGroups(head);
  const after = tail === undefined ? [] : bytesOfGroups(tail);
  if (before === undefined || after === undefined) return undefined;
  const missing = groupCount * 2 - before.length - after.length;
  // `::` stands for one group at least.
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...before, ...Array<number>(missing).fill(0), ...after];
};

/** 4 or 16 bytes; undefined for a text that is no address. A zone (`%eth0`) does not count. */
export const addressBytesFrom = (text: string): readonly number[] | undefined => {
  const [bare = ''] = text.split('%', 1);
  if (!bare.includes(':')) return bytesOfIpv4(bare);
  const bytes = bytesOfIpv6(bare);
  const mapped = mappedPrefix.every((byte, at) => bytes?.[at] === byte);
  return mapped ? bytes?.slice(mappedPrefix.length) : bytes;
};

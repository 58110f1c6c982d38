// What a node writes into a store of keys: its address under its name, which goes when the node
// does, and once for all who founded the cluster. Others read addresses there and nothing else.

/** Who writes what. */
export interface Registration {
  /** Keys begin with it; no slash at its ends. */
  readonly prefix: string;
  readonly name: string;
  /** host:port of the peer port. */
  readonly address: string;
}

/** A node that has not said that it lives for so long is forgotten. */
export const registrationTtlSeconds = 15;

/** Where nodes say their addresses; ends in a slash. */
export const nodesPrefix = ({ prefix }: Pick<Registration, 'prefix'>): string => `${prefix}/nodes/`;
/** Where this one does. */
export const nodeKey = (registration: Registration): string =>
  `${nodesPrefix(registration)}${registration.name}`;
/** Where it stands who founded the cluster. */
export const foundingKey = ({ prefix }: Pick<Registration, 'prefix'>): string =>
  `${prefix}/founding`;

/** A value of an answer, by its path; undefined when it is not there. */
export const valueAt = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  );

/** The elements of an answer's list; none when it is no list. */
export const listAt = (value: unknown, ...path: readonly (string | number)[]): unknown[] => {
  const list = valueAt(value, ...path);
  return Array.isArray(list) ? list : [];
};

/** Base64 text as it was stored; empty for anything else. */
export const fromBase64 = (value: unknown): string =>
  typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : '';

/** As etcd and Consul want it. */
export const toBase64 = (text: string): string => Buffer.from(text).toString('base64');

// The settings of how a node finds and belongs to its cluster, checked together.
import { CodedError } from '#errors.ts';
import { hostPortFrom } from '#transport/peer-address.ts';
import { isEverywhere } from './own-addresses.ts';

/** Where addresses of other nodes come from. */
export interface DiscoveryConfig {
  readonly mode: 'dns' | 'dns-srv' | 'consul' | 'etcd';
  /** A DNS name, or the prefix of keys. */
  readonly name: string;
  /** Path of a JSON file (mode 0600) with particulars; undefined: none. */
  readonly file: string | undefined;
}

/** How a node belongs to its cluster. */
export interface ClusterConfig {
  /** Addresses of other nodes, host:port. */
  readonly join: readonly string[];
  /** With how many nodes it forms a new cluster; 0: with none. */
  readonly bootstrapExpect: number;
  readonly discovery: DiscoveryConfig | undefined;
  readonly leaveOnStop: boolean;
  /** After which silence a member is removed; undefined: never. */
  readonly reap: {
    readonly voterMs: number | undefined;
    readonly readReplicaMs: number | undefined;
  };
}

const durationUnits: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration; undefined for `off` and for what is none. */
export const durationMsOf = (text: string): number | undefined => {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smh])$/.exec(text) ?? [];
  const factor = durationUnits[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
};

const invalid = (message: string, hint: string): CodedError =>
  new CodedError('config_invalid', message, { hint });

const isMode = (text: string): text is DiscoveryConfig['mode'] =>
  ['dns', 'dns-srv', 'consul', 'etcd'].includes(text);

/** Prefix of keys in a store, where none is given. */
const standardPrefix = 'stockade';

/** @throws CodedError `config_invalid` when settings contradict each other */
export const clusterConfigFrom = (
  text: (key: string) => string,
  advertisedHost: string,
): ClusterConfig => {
  const join = listFrom('cluster.join', text('cluster.join'));
  const bootstrapExpect = Number(text('cluster.bootstrapExpect'));
  const discovery = discoveryFrom(text);
  if (join.length > 0 && discovery !== undefined) {
    throw invalid('cluster.join and cluster.discovery.mode are both set', 'Set one of them.');
  }
  if (bootstrapExpect > 0 && join.length === 0 && discovery === undefined) {
    throw invalid(
      'cluster.bootstrapExpect is set, but not where the other nodes are',
      'Set cluster.join to their addresses, or cluster.discovery.mode.',
    );
  }
  if (bootstrapExpect > 0 && isEverywhere(advertisedHost)) {
    throw invalid(
      `the others cannot reach this node at ${advertisedHost}`,
      'Set peer.advertise to the host that others reach it by.',
    );
  }
  return {
    join,
    bootstrapExpect,
    discovery,
    leaveOnStop: text('cluster.leaveOnStop') === 'true',
    reap: {
      voterMs: durationMsOf(text('cluster.reap.voter')),
      readReplicaMs: durationMsOf(text('cluster.reap.readReplica')),
    },
  };
};

const listFrom = (key: string, text: string): readonly string[] => {
  const list = text === '' ? [] : text.split(',').map((address) => address.trim());
  const wrong = list.find((address) => hostPortFrom(address) === undefined);
  if (wrong === undefined) return list;
  throw invalid(`${key} holds ${JSON.stringify(wrong)}`, 'Use host:port, with commas between.');
};

const discoveryFrom = (text: (key: string) => string): DiscoveryConfig | undefined => {
  const mode = text('cluster.discovery.mode');
  if (!isMode(mode)) return undefined;
  const name = text('cluster.discovery.name');
  const file = text('cluster.discovery.config');
  const isStore = mode === 'consul' || mode === 'etcd';
  if (isStore && file === '') {
    throw invalid(
      `cluster.discovery.mode is ${mode}, but cluster.discovery.config is not set`,
      `Name the file that says where ${mode} is.`,
    );
  }
  if (!isStore && name === '') {
    throw invalid(
      `cluster.discovery.mode is ${mode}, but cluster.discovery.name is not set`,
      'Set the name to ask for.',
    );
  }
  if (isStore && !/^[A-Za-z0-9._/-]*$/.test(name)) {
    throw invalid(
      `cluster.discovery.name is ${JSON.stringify(name)}`,
      'Use letters, digits, dots, hyphens and slashes.',
    );
  }
  const prefix = name === '' ? standardPrefix : name.replace(/^\/+|\/+$/g, '');
  return { mode, name: isStore ? prefix : name, file: file === '' ? undefined : file };
};

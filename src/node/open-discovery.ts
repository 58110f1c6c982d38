// From settings to a source of addresses. The file of particulars holds passwords, so it must be
// private; a store is asked over TLS, in the clear on loopback only.
import { dirname, resolve } from 'node:path';
import { consulDiscovery } from '#cluster/discovery/consul-discovery.ts';
import { type Discovery, listedPlaces } from '#cluster/discovery/discovery.ts';
import { dnsDiscovery, dnsSrvDiscovery } from '#cluster/discovery/dns-discovery.ts';
import { etcdDiscovery } from '#cluster/discovery/etcd-discovery.ts';
import type { StoreAccess } from '#cluster/discovery/json-request.ts';
import { CodedError } from '#errors.ts';
import { unreachable } from '#invariant.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { DiscoveryConfig } from './cluster-config.ts';
import { addressText, type NodeConfig } from './config.ts';
import { nearestOf } from './nearest.ts';
import { readPrivateText, readPublicText } from './node-files.ts';

/** Keys of the file, by mode. */
const dnsKeys = ['servers', 'family', 'port'];
const storeKeys = ['endpoints', 'ca', 'certificate', 'key'];
const keysOf: Readonly<Record<DiscoveryConfig['mode'], readonly string[]>> = {
  dns: dnsKeys,
  'dns-srv': ['servers', 'family'],
  consul: [...storeKeys, 'token', 'datacenter'],
  etcd: [...storeKeys, 'user', 'password'],
};

/** @throws CodedError `config_invalid`, `file_permissions` */
export const openDiscovery = (
  { cluster, node, peer }: NodeConfig,
  files: FileSystem,
): Discovery => {
  const { discovery, join } = cluster;
  if (discovery === undefined) return listedPlaces(join);
  const { mode, name } = discovery;
  const given = particularsOf(discovery, files);
  const dns = {
    name,
    port: given.whole('port', peer.advertise.port, 65_535),
    servers: given.list('servers'),
    family: given.family(),
  };
  if (mode === 'dns') return dnsDiscovery(dns);
  if (mode === 'dns-srv') return dnsSrvDiscovery(dns);
  const registration = { prefix: name, name: node.name, address: addressText(peer.advertise) };
  const store = { ...registration, access: accessOf(given, files) };
  switch (mode) {
    case 'consul':
      return consulDiscovery({
        ...store,
        token: given.text('token'),
        datacenter: given.text('datacenter'),
      });
    case 'etcd':
      return etcdDiscovery({
        ...store,
        user: given.text('user'),
        password: given.text('password'),
      });
    default:
      return unreachable(mode);
  }
};

interface Particulars {
  readonly path: string;
  text(key: string): string;
  list(key: string): readonly string[];
  whole(key: string, standard: number, max: number): number;
  family(): 0 | 4 | 6;
}

const particularsOf = ({ mode, file }: DiscoveryConfig, files: FileSystem): Particulars => {
  const path = file ?? '';
  const fields = file === undefined ? {} : fieldsOf(file, readPrivateText(file, files));
  const known = keysOf[mode];
  const unknown = Object.keys(fields).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw wrong(
      path,
      `there is no ${unknown} for ${mode}`,
      `Did you mean ${nearestOf(unknown, known)}?`,
    );
  }
  return {
    path,
    text: (key) => {
      const value = fields[key] ?? '';
      if (typeof value === 'string') return value;
      throw wrong(path, `${key} is no text`, 'Put it in quotes.');
    },
    list: (key) => {
      const value = fields[key] ?? [];
      if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
      throw wrong(path, `${key} is no list of texts`, 'As in ["10.0.0.1:2379", "10.0.0.2:2379"].');
    },
    whole: (key, standard, max) => {
      const value = fields[key] ?? standard;
      const sound = typeof value === 'number' && Number.isSafeInteger(value);
      if (sound && value > 0 && value <= max) return value;
      throw wrong(path, `${key} is no whole number`, `Use 1 to ${max}.`);
    },
    family: () => {
      const value = fields['family'] ?? 0;
      if (value === 0 || value === 4 || value === 6) return value;
      throw wrong(path, 'family is no version of IP', 'Use 4, 6, or 0 for both.');
    },
  };
};

const fieldsOf = (path: string, text: string): Readonly<Record<string, unknown>> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong(path, 'it is not JSON', 'Check its syntax.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw wrong(path, 'it is no object', 'As in {"endpoints": ["https://10.0.0.1:2379"]}.');
};

const wrong = (path: string, why: string, hint: string): CodedError =>
  new CodedError('config_invalid', `${path}: ${why}`, { hint });

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

const accessOf = (given: Particulars, files: FileSystem): StoreAccess => {
  const { path } = given;
  const endpoints = given.list('endpoints');
  if (endpoints.length === 0) throw wrong(path, 'it has no endpoints', 'Say where the store is.');
  for (const endpoint of endpoints) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    const clear = url?.protocol === 'http:' && isLoopback(url.hostname);
    if (url?.protocol === 'https:' || clear) continue;
    throw wrong(
      path,
      `${JSON.stringify(endpoint)} is no endpoint`,
      'Use https://host:port; http:// on loopback only.',
    );
  }
  const pem = (key: string, read: typeof readPublicText): string | undefined => {
    const at = given.text(key);
    return at === '' ? undefined : read(resolve(dirname(path), at), files);
  };
  const ca = pem('ca', readPublicText);
  const certificate = pem('certificate', readPublicText);
  const key = pem('key', readPrivateText);
  if ((certificate === undefined) !== (key === undefined)) {
    throw wrong(path, 'certificate and key are not both set', 'Set both or none.');
  }
  return {
    endpoints,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
  };
};

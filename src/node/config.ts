// A node's configuration: flag beats environment beats file beats default. Unknown keys are errors
// that name the nearest key. The only file in src that reads process.env.
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { isPermission, type Permission, permissionNames } from '#auth/permission.ts';
import { CodedError } from '#errors.ts';
import type { QueueSettings } from '#http/queue/write-queue.ts';
import { unreachable } from '#invariant.ts';
import {
  type BackupConfig,
  backupConfigFrom,
  type RestoreConfig,
  restoreConfigFrom,
} from './backup-config.ts';
import { type CdcConfig, cdcConfigFrom } from './cdc/cdc-config.ts';
import { type ClusterConfig, clusterConfigFrom, durationMsOf } from './cluster-config.ts';
import type { MaintenanceIntervals } from './maintenance/maintenance.ts';
import { nearestOf } from './nearest.ts';
import { portBehind, requireApart } from './own-addresses.ts';
import { environmentNameOf, type Setting, settings } from './settings.ts';

/** host and port of a listener or of something to be told. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A node's settings, checked and resolved. */
export interface NodeConfig {
  readonly node: {
    readonly name: string;
    readonly data: string;
    readonly logLevel: string;
    readonly logFormat: string;
    readonly drainMs: number;
  };
  readonly http: {
    readonly listen: Address;
    readonly advertise: Address;
    readonly certificate: string;
    readonly key: string;
    readonly clientCa: string | undefined;
    readonly bodyBytesMax: number;
    readonly allowOrigins: readonly string[];
  };
  readonly peer: {
    readonly listen: Address;
    readonly advertise: Address;
    readonly certificate: string;
    readonly key: string;
    readonly ca: string;
  };
  /** First contact of newcomers. `advertise` undefined: the peer's host and the listener's port. */
  readonly join: { readonly listen: Address; readonly advertise: Address | undefined };
  readonly auth: { readonly file: string };
  readonly cluster: ClusterConfig;
  readonly audit: {
    readonly file: string;
    /** Whether what cannot be kept is refused. */
    readonly refuses: boolean;
    readonly fileBytes: number;
    readonly filesMax: number;
  };
  readonly raft: {
    readonly heartbeatMs: number;
    readonly electionMs: number;
    readonly segmentBytes: number;
    readonly trailingEntries: number;
    readonly trailingBytes: number;
  };
  readonly db: {
    readonly foreignKeys: boolean;
    /** Between two of each kind; undefined: never. */
    readonly maintenance: MaintenanceIntervals;
    readonly readers: number;
    readonly statementDeadlineMs: number;
    /** 0: nothing is slow. */
    readonly slowStatementMs: number;
    readonly rowsMax: number;
    readonly bytesMax: number;
  };
  /** Undefined: changes are not captured. */
  readonly cdc: CdcConfig | undefined;
  /** Undefined: there are no scheduled backups. */
  readonly backup: BackupConfig | undefined;
  /** Undefined: a new cluster begins empty. */
  readonly restore: RestoreConfig | undefined;
  readonly consistency: { readonly checkHours: number };
  readonly queue: QueueSettings;
  readonly compat: {
    readonly statusCodes: boolean;
    readonly doubleQuotedStrings: boolean;
    readonly plaintextPasswords: boolean;
  };
  readonly insecure: {
    /** Permissions that the user `*` may hold besides health. */
    readonly anonymous: readonly Permission[];
  };
}

/** Where configuration comes from, strongest first. */
export interface ConfigSources {
  /** `--http.listen=...` as key and text. */
  readonly flags: ReadonlyMap<string, string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Path and text of the configuration file. */
  readonly file: { readonly path: string; readonly text: string } | undefined;
}

const byKey = new Map(settings.map((setting) => [setting.key, setting]));

const invalid = (message: string, hint: string): CodedError =>
  new CodedError('config_invalid', message, { hint });

/** The environment of this process, handed to whoever may read it. */
export const processEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;

/** @throws CodedError `config_invalid`, with the setting, the reason and what would be right */
export const configFrom = (sources: ConfigSources): NodeConfig => {
  const values = valuesFrom(sources);
  const base = sources.file === undefined ? process.cwd() : dirname(resolve(sources.file.path));
  const text = (key: string): string => checked(settingOf(key), values.get(key) ?? '', base);
  const whole = (key: string): number => Number(text(key));
  const address = (key: string): Address => addressFrom(key, text(key));
  const advertised = (key: string, listen: string): Address =>
    addressFrom(key, text(key) === '' ? text(listen) : text(key));
  const optional = (key: string): string | undefined => (text(key) === '' ? undefined : text(key));
  const own = {
    http: address('http.listen'),
    peer: address('peer.listen'),
    join: text('join.listen') === '' ? portBehind(address('peer.listen')) : address('join.listen'),
  };
  requireApart(own);
  return {
    node: {
      name: text('node.name'),
      data: text('node.data'),
      logLevel: text('node.log.level'),
      logFormat: text('node.log.format'),
      drainMs: whole('node.drainMs'),
    },
    http: {
      listen: own.http,
      advertise: advertised('http.advertise', 'http.listen'),
      certificate: text('http.certificate'),
      key: text('http.key'),
      clientCa: optional('http.clientCa'),
      bodyBytesMax: whole('http.limits.bodyBytes'),
      allowOrigins: originsFrom('http.allowOrigins', text('http.allowOrigins')),
    },
    peer: {
      listen: own.peer,
      advertise: advertised('peer.advertise', 'peer.listen'),
      certificate: text('peer.certificate'),
      key: text('peer.key'),
      ca: text('peer.ca'),
    },
    join: {
      listen: own.join,
      advertise: text('join.advertise') === '' ? undefined : address('join.advertise'),
    },
    auth: { file: text('auth.file') },
    audit: {
      file: optional('audit.file') ?? join(text('node.data'), 'audit', 'audit.log'),
      refuses: text('audit.onFailure') === 'refuse',
      fileBytes: whole('audit.fileBytes'),
      filesMax: whole('audit.files'),
    },
    cluster: clusterConfigFrom(text, advertised('peer.advertise', 'peer.listen').host),
    raft: {
      heartbeatMs: whole('raft.heartbeatMs'),
      electionMs: whole('raft.electionMs'),
      segmentBytes: whole('raft.segmentBytes'),
      trailingEntries: whole('raft.trailingEntries'),
      trailingBytes: whole('raft.trailingBytes'),
    },
    db: {
      foreignKeys: text('db.foreignKeys') === 'true',
      maintenance: {
        vacuum: durationMsOf(text('db.autoVacuum')),
        optimize: durationMsOf(text('db.autoOptimize')),
      },
      readers: whole('db.readers'),
      statementDeadlineMs: whole('db.statementDeadlineMs'),
      slowStatementMs: whole('db.slowStatementMs'),
      rowsMax: whole('db.rowsMax'),
      bytesMax: whole('db.bytesMax'),
    },
    cdc: cdcConfigFrom(text),
    backup: backupConfigFrom(text),
    restore: restoreConfigFrom(text),
    consistency: { checkHours: whole('consistency.checkHours') },
    queue: {
      depth: whole('queue.depth'),
      batch: whole('queue.batch'),
      timeoutMs: whole('queue.timeoutMs'),
      transaction: text('queue.transaction') === 'true',
    },
    compat: {
      statusCodes: text('compat.statusCodes') === 'true',
      doubleQuotedStrings: text('compat.doubleQuotedStrings') === 'true',
      plaintextPasswords: text('compat.plaintextPasswords') === 'true',
    },
    insecure: { anonymous: anonymousFrom(text('insecure.anonymous'), address('http.listen')) },
  };
};

const settingOf = (key: string): Setting => {
  const setting = byKey.get(key);
  if (setting !== undefined) return setting;
  const nearest = nearestOf(key, [...byKey.keys()]);
  throw invalid(`there is no setting ${key}`, `Did you mean ${nearest}?`);
};

const valuesFrom = (sources: ConfigSources): Map<string, string> => {
  const values = new Map<string, string>();
  for (const setting of settings) {
    if (setting.standard !== undefined) values.set(setting.key, setting.standard);
  }
  if (sources.file !== undefined) {
    for (const [key, value] of fileValues(sources.file.path, sources.file.text)) {
      values.set(settingOf(key).key, value);
    }
  }
  for (const [key, value] of environmentValues(sources.environment)) values.set(key, value);
  for (const [key, value] of sources.flags) values.set(settingOf(key).key, value);
  for (const { key } of settings) {
    if (!values.has(key)) throw invalid(`${key} is not set`, `Set ${key} in the configuration.`);
  }
  return values;
};

const fileValues = (path: string, text: string): [string, string][] => {
  let document: unknown;
  try {
    document = parse(text, { uniqueKeys: true, maxAliasCount: 0 });
  } catch (cause) {
    throw new CodedError('config_invalid', `${path} is not YAML`, {
      cause,
      hint: cause instanceof Error ? cause.message : 'Check its syntax.',
    });
  }
  return flattened('', document ?? {}, path);
};

const flattened = (prefix: string, value: unknown, path: string): [string, string][] => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) =>
      flattened(prefix === '' ? key : `${prefix}.${key}`, inner, path),
    );
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return [[prefix, String(value)]];
  }
  throw invalid(`${prefix} in ${path} is neither a text nor a number`, 'Give it one plain value.');
};

const environmentValues = (
  environment: Readonly<Record<string, string | undefined>>,
): [string, string][] => {
  const names = new Map(settings.map(({ key }) => [environmentNameOf(key), key]));
  const found: [string, string][] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('STOCKADE_') || value === undefined) continue;
    const key = names.get(name);
    if (key === undefined) {
      const nearest = nearestOf(name, [...names.keys()]);
      throw invalid(`the environment has ${name}, which is no setting`, `Did you mean ${nearest}?`);
    }
    found.push([key, value]);
  }
  return found;
};

const checked = (setting: Setting, text: string, base: string): string => {
  const { key, kind } = setting;
  switch (kind) {
    case 'text':
    case 'address':
      return text;
    case 'path':
      if (text === '') return text;
      return isAbsolute(text) ? text : resolve(base, text);
    case 'flag':
      if (text === 'true' || text === 'false') return text;
      throw invalid(`${key} is ${JSON.stringify(text)}`, 'Use true or false.');
    case 'choice':
      if (setting.choices?.includes(text) === true) return text;
      throw invalid(`${key} is ${JSON.stringify(text)}`, `Use ${setting.choices?.join(', ')}.`);
    case 'whole': {
      const [min, max] = [setting.min ?? 0, setting.max ?? Number.MAX_SAFE_INTEGER];
      if (/^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max) return text;
      throw invalid(`${key} is ${JSON.stringify(text)}`, `Use a whole number, ${min} to ${max}.`);
    }
    case 'duration': {
      const ms = durationMsOf(text);
      const [min, max] = [setting.min ?? 0, setting.max ?? Number.MAX_SAFE_INTEGER];
      if (text === durationOff || (ms !== undefined && ms >= min && ms <= max)) return text;
      throw invalid(
        `${key} is ${JSON.stringify(text)}`,
        `Use off, or ${min / 1000}s to ${Math.floor(max / 3_600_000)}h, as in 90s, 30m or 24h.`,
      );
    }
    default:
      return unreachable(kind);
  }
};

const durationOff = 'off';

const addressFrom = (key: string, text: string): Address => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw invalid(`${key} is ${JSON.stringify(text)}`, 'Use host:port, as in 127.0.0.1:4001.');
  }
  return { host, port };
};

/** Exactly as browsers send them: a slash at the end or a capital would never match. */
const originsFrom = (key: string, text: string): readonly string[] => {
  const origins = text === '' ? [] : text.split(',').map((origin) => origin.trim());
  for (const origin of origins) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue;
    throw invalid(
      `${key} holds ${JSON.stringify(origin)}`,
      'Use https://host, with a port if any.',
    );
  }
  return origins;
};

/** Never the administration, and never on a network: only this machine may come without a name. */
const anonymousFrom = (text: string, listen: Address): readonly Permission[] => {
  const key = 'insecure.anonymous';
  const names = text === '' ? [] : text.split(',').map((name) => name.trim());
  if (names.length > 0 && !isLoopback(listen.host)) {
    throw invalid(`${key} is set, but http.listen is not on loopback`, 'Use 127.0.0.1 or [::1].');
  }
  return names.map((name) => {
    if (isPermission(name) && name !== 'all' && name !== 'admin') return name;
    const open = permissionNames.filter((known) => known !== 'all' && known !== 'admin');
    throw invalid(`${key} holds ${JSON.stringify(name)}`, `Use ${open.join(', ')}.`);
  });
};

const isLoopback = (host: string): boolean => host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** `host:port`, with brackets around an IPv6 address. */
export const addressText = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

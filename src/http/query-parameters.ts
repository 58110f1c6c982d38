// Query parameters by rqlite's rules: keys are case sensitive, the first value of a repeated key
// counts, flags are true by being there (`?pretty=false` too), durations are Go's, unknown keys are
// ignored. Every known parameter is checked on every route, as rqlite does.
import type { Level } from '#command/forward.ts';
import { queryKeysMax } from './front-limits.ts';
import { goDurationMsFrom } from './go-duration.ts';

/** What the query string says; defaults where it says nothing. */
export interface Parameters {
  /** The statement of a GET; undefined when absent, never empty. */
  readonly q: string | undefined;
  readonly pretty: boolean;
  readonly timings: boolean;
  readonly associative: boolean;
  readonly blobArray: boolean;
  readonly qualifyColumns: boolean;
  readonly transaction: boolean;
  readonly redirect: boolean;
  readonly raftIndex: boolean;
  readonly level: Level | 'auto';
  /** 0: no matter how old. */
  readonly freshnessMs: number;
  readonly freshnessStrict: boolean;
  readonly linearizableTimeoutMs: number;
  /** For calls to other nodes and waits; at least 0. */
  readonly timeoutMs: number;
  /** Deadline of one request's reads; undefined: the server's own. */
  readonly dbTimeoutMs: number | undefined;
  readonly queue: boolean;
  readonly wait: boolean;
  readonly noLeader: boolean;
  readonly sync: boolean;
  readonly nonVoters: boolean;
  /** `/nodes?ver=2`: the list form. */
  readonly listForm: boolean;
  readonly key: string | undefined;
  /** Of a backup; whatever is not known is a database file. */
  readonly format: 'file' | 'sql' | 'delete';
  readonly compress: boolean;
  readonly vacuum: boolean;
  /** Of a backup as SQL: only these tables; none: all. */
  readonly tables: readonly string[];
  /** Of changes: the first index that is wanted; undefined: the next. */
  readonly from: number | undefined;
  /** Entries of the log that a snapshot leaves; 0: as many as always. */
  readonly trailingLogs: number;
}

const timeoutMsDefault = 30_000;
const linearizableTimeoutMsDefault = 10_000;
/** A longer wait is cut, not refused: an idle connection does not live much longer either. */
const timeoutMsMax = 110_000;
/** No server lets a read run for longer (`db.statementDeadlineMs`); it crosses to the leader. */
const dbTimeoutMsMax = 3_600_000;

/** What an empty query string means. */
export const parametersDefault: Parameters = Object.freeze({
  q: undefined,
  pretty: false,
  timings: false,
  associative: false,
  blobArray: false,
  qualifyColumns: false,
  transaction: false,
  redirect: false,
  raftIndex: false,
  level: 'weak',
  freshnessMs: 0,
  freshnessStrict: false,
  linearizableTimeoutMs: linearizableTimeoutMsDefault,
  timeoutMs: timeoutMsDefault,
  dbTimeoutMs: undefined,
  queue: false,
  wait: false,
  noLeader: false,
  sync: false,
  nonVoters: false,
  listForm: false,
  key: undefined,
  format: 'file',
  compress: false,
  vacuum: false,
  tables: [],
  from: undefined,
  trailingLogs: 0,
});

/**
 * Reads a query string (what stands behind `?`).
 *
 * @returns a sentence, rqlite's where it has one, when the string or a value in it is not valid
 */
export const parametersFrom = (query: string): Parameters | string => {
  if (query === '') return parametersDefault;
  const values = valuesFrom(query);
  if (typeof values === 'string') return values;
  const fault = faultIn(values);
  if (fault !== undefined) return fault;
  const durationMs = (key: string, otherwise: number): number => {
    const text = values.get(key);
    return Math.max(0, text === undefined ? otherwise : (goDurationMsFrom(text) ?? otherwise));
  };
  const waitMs = (key: string, otherwise: number): number =>
    Math.min(durationMs(key, otherwise), timeoutMsMax);
  const dbTimeoutMs = Math.min(durationMs('db_timeout', 0), dbTimeoutMsMax);
  return {
    q: values.get('q'),
    pretty: values.has('pretty'),
    timings: values.has('timings'),
    associative: values.has('associative'),
    blobArray: values.has('blob_array'),
    qualifyColumns: values.has('qualify_columns'),
    transaction: values.has('transaction'),
    redirect: values.has('redirect'),
    raftIndex: values.has('raft_index'),
    level: levelFrom(values.get('level')),
    freshnessMs: durationMs('freshness', 0),
    freshnessStrict: values.has('freshness_strict'),
    linearizableTimeoutMs: waitMs('linearizable_timeout', linearizableTimeoutMsDefault),
    timeoutMs: waitMs('timeout', timeoutMsDefault),
    dbTimeoutMs: dbTimeoutMs === 0 ? undefined : dbTimeoutMs,
    queue: values.has('queue'),
    wait: values.has('wait'),
    noLeader: values.has('noleader'),
    sync: values.has('sync'),
    nonVoters: values.has('nonvoters'),
    listForm: values.get('ver') === '2',
    key: values.get('key') || undefined,
    format: formatFrom(values.get('fmt')),
    compress: values.has('compress'),
    vacuum: values.has('vacuum'),
    tables: tablesFrom(values.get('tables')),
    from: values.has('from') ? wholeFrom(values.get('from')) : undefined,
    trailingLogs: wholeFrom(values.get('trailing_logs')),
  };
};

/** Unknown and empty levels mean `weak`, as in rqlite. */
const levelFrom = (text: string | undefined): Level | 'auto' => {
  const level = text?.toLowerCase() ?? '';
  switch (level) {
    case 'none':
    case 'linearizable':
    case 'strong':
    case 'auto':
      return level;
    default:
      return 'weak';
  }
};

const formatFrom = (text: string | undefined): Parameters['format'] => {
  const format = text?.toLowerCase();
  return format === 'sql' || format === 'delete' ? format : 'file';
};

const tablesFrom = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const wholeFrom = (text: string | undefined): number =>
  Math.min(Math.max(0, Number(text ?? 0)), Number.MAX_SAFE_INTEGER);

const durationKeys = ['timeout', 'freshness', 'db_timeout', 'linearizable_timeout'] as const;
const integerKeys = ['retries', 'trailing_logs', 'from'] as const;
/** Go reads 64 bits. */
const isInteger = (text: string): boolean =>
  /^[+-]?\d{1,64}$/.test(text) &&
  BigInt.asIntN(64, BigInt(text.replace('+', ''))) === BigInt(text.replace('+', ''));

const faultIn = (values: ReadonlyMap<string, string>): string | undefined => {
  for (const key of durationKeys) {
    const text = values.get(key);
    if (text !== undefined && goDurationMsFrom(text) === undefined) {
      return `${key} is not a valid duration`;
    }
  }
  for (const key of integerKeys) {
    const text = values.get(key);
    if (text !== undefined && !isInteger(text)) return `${key} is not a valid integer`;
  }
  if (values.has('freshness_strict') && !values.has('freshness')) {
    return 'freshness_strict requires freshness';
  }
  return values.get('q') === '' ? 'query parameter not set' : undefined;
};

const valuesFrom = (query: string): ReadonlyMap<string, string> | string => {
  const values = new Map<string, string>();
  let pairs = 0;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    pairs += 1;
    if (pairs > queryKeysMax) return `more than ${queryKeysMax} query parameters`;
    if (pair.includes(';')) return 'invalid semicolon separator in query';
    const equals = pair.indexOf('=');
    const key = unescaped(equals < 0 ? pair : pair.slice(0, equals));
    const value = unescaped(equals < 0 ? '' : pair.slice(equals + 1));
    if (key === undefined || value === undefined) return escapeFault(pair);
    if (!values.has(key)) values.set(key, value);
  }
  return values;
};

const unescaped = (text: string): string | undefined => {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
};

const escapeFault = (pair: string): string => {
  const broken = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(pair)?.[0];
  return broken === undefined
    ? 'the query holds bytes that are not UTF-8'
    : `invalid URL escape ${JSON.stringify(broken)}`;
};

// Where captured changes are posted, and how: settings under `cdc.`, checked together.
import { CodedError } from '#errors.ts';
import type { Setting } from '#node/settings.ts';

/** A webhook. Paths, not what the files hold: keys are read by the process that posts. */
export interface WebhookSettings {
  readonly endpoint: string;
  /** Empty: none is told. */
  readonly serviceId: string;
  readonly rowIdsOnly: boolean;
  /** A regular expression for names of tables; empty: all. */
  readonly tableFilter: string;
  readonly tls: {
    /** Paths of PEM files; empty: the authorities of the system, no certificate of our own. */
    readonly ca: string;
    readonly certificate: string;
    readonly key: string;
    /** Empty: the host of the endpoint. */
    readonly serverName: string;
  };
  /** Path of a file with a key for signatures; empty: there are none. */
  readonly signatureKeyFile: string;
  /** Path of a file with a token for an Authorization header; empty: there is none. */
  readonly bearerFile: string;
  /** Entries in one request, at most. */
  readonly maxBatchSize: number;
  readonly maxBatchDelayMs: number;
  readonly transmitTimeoutMs: number;
  readonly retry: {
    readonly policy: 'linear' | 'exponential';
    readonly minBackoffMs: number;
    readonly maxBackoffMs: number;
  };
  /** How often other nodes are told what was sent. */
  readonly highWatermarkIntervalMs: number;
}

const textOf = (key: string, meaning: string): Setting => ({
  key,
  kind: 'text',
  standard: '',
  meaning,
});

const pathOf = (key: string, meaning: string): Setting => ({
  key,
  kind: 'path',
  standard: '',
  meaning,
});

const wholeOf = (
  key: string,
  standard: number,
  [min, max]: readonly [number, number],
  meaning: string,
): Setting => ({ key, kind: 'whole', standard: String(standard), min, max, meaning });

const hourMs = 3_600_000;

/** Their part of the table of settings. */
export const webhookSettings: readonly Setting[] = [
  textOf('cdc.endpoint', 'https:// address that the leader posts changes to; empty: to none.'),
  textOf('cdc.serviceId', 'Told to the receiver as service_id; empty: nothing is.'),
  {
    key: 'cdc.rowIdsOnly',
    kind: 'flag',
    standard: 'false',
    meaning: 'Post rowids without the values of rows.',
  },
  textOf('cdc.tableFilter', 'Regular expression: only tables whose names match are posted.'),
  pathOf('cdc.tls.ca', 'CA of the receiver (PEM); empty: the authorities of the system.'),
  pathOf('cdc.tls.certificate', 'Client certificate for the receiver (PEM); empty: none.'),
  pathOf('cdc.tls.key', 'Key of that certificate (mode 0600).'),
  textOf('cdc.tls.serverName', "Name in the receiver's certificate; empty: the endpoint's host."),
  pathOf(
    'cdc.signatureKeyFile',
    'File (mode 0600) with a key of at least 32 characters: requests are signed with HMAC-SHA256.',
  ),
  pathOf('cdc.bearerFile', 'File (mode 0600) with a token, sent as Authorization: Bearer.'),
  wholeOf('cdc.maxBatchSize', 10, [1, 1000], 'Most entries of the log in one request.'),
  wholeOf('cdc.maxBatchDelayMs', 200, [10, 60_000], 'How long changes wait for others, at most.'),
  wholeOf('cdc.highWatermarkIntervalMs', 1000, [100, 60_000], 'How often nodes hear what is sent.'),
  wholeOf('cdc.transmitTimeoutMs', 5000, [100, 600_000], 'How long a request may take.'),
  {
    key: 'cdc.transmitRetryPolicy',
    kind: 'choice',
    standard: 'linear',
    choices: ['linear', 'exponential'],
    meaning:
      'Pauses between attempts: always the shortest, or doubled each time. There is no last attempt.',
  },
  wholeOf('cdc.transmitMinBackoffMs', 1000, [10, hourMs], 'The shortest pause.'),
  wholeOf('cdc.transmitMaxBackoffMs', 30_000, [10, hourMs], 'The longest pause.'),
];

const invalid = (message: string, hint: string): CodedError =>
  new CodedError('config_invalid', message, { hint });

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

const endpointFrom = (text: string, insecure: boolean): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hash !== '') {
    throw invalid('cdc.endpoint is no address', 'As in https://events.example.com/changes.');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('cdc.endpoint holds a password', 'Put a token into a file: cdc.bearerFile.');
  }
  if (url.protocol === 'https:') return url.href;
  if (url.protocol === 'http:' && insecure && isLoopback(url.hostname)) return url.href;
  throw invalid(
    'cdc.endpoint is not https',
    'Rows go over TLS; http:// with insecure.cdcEndpoint is for loopback only.',
  );
};

/** Undefined: nothing is posted. @throws CodedError `config_invalid` */
export const webhookFrom = (text: (key: string) => string): WebhookSettings | undefined => {
  if (text('cdc.endpoint') === '') return undefined;
  if (text('cdc.enabled') !== 'true') {
    throw invalid('cdc.endpoint is set, but cdc.enabled is not', 'Set cdc.enabled to true.');
  }
  const whole = (key: string): number => Number(text(key));
  const tableFilter = text('cdc.tableFilter');
  try {
    new RegExp(tableFilter, 'u');
  } catch {
    throw invalid('cdc.tableFilter is no regular expression', 'As in ^(orders|customers)$.');
  }
  const [certificate, key] = [text('cdc.tls.certificate'), text('cdc.tls.key')];
  if ((certificate === '') !== (key === '')) {
    throw invalid('cdc.tls.certificate and cdc.tls.key go together', 'Set both or none.');
  }
  const retry = {
    policy: text('cdc.transmitRetryPolicy') === 'exponential' ? 'exponential' : 'linear',
    minBackoffMs: whole('cdc.transmitMinBackoffMs'),
    maxBackoffMs: whole('cdc.transmitMaxBackoffMs'),
  } as const;
  if (retry.minBackoffMs > retry.maxBackoffMs) {
    throw invalid('cdc.transmitMinBackoffMs is above cdc.transmitMaxBackoffMs', 'Swap them.');
  }
  return {
    endpoint: endpointFrom(text('cdc.endpoint'), text('insecure.cdcEndpoint') === 'true'),
    serviceId: text('cdc.serviceId'),
    rowIdsOnly: text('cdc.rowIdsOnly') === 'true',
    tableFilter,
    tls: { ca: text('cdc.tls.ca'), certificate, key, serverName: text('cdc.tls.serverName') },
    signatureKeyFile: text('cdc.signatureKeyFile'),
    bearerFile: text('cdc.bearerFile'),
    maxBatchSize: whole('cdc.maxBatchSize'),
    maxBatchDelayMs: whole('cdc.maxBatchDelayMs'),
    transmitTimeoutMs: whole('cdc.transmitTimeoutMs'),
    retry,
    highWatermarkIntervalMs: whole('cdc.highWatermarkIntervalMs'),
  };
};

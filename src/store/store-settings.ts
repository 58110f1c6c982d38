// The file that says where backups are: JSON, because it may hold the key of a store, and private
// for the same reason. Unknown keys are refused; the network is spoken to in the clear on loopback
// only, and only when the file says so.
import { dirname, isAbsolute, resolve } from 'node:path';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { readPrivateFile } from '#io/private-path.ts';
import { storeFileBytesMax } from './bounds.ts';
import type { S3Place } from './s3-store.ts';

/** Where backups are. May hold a secret: for pipes and memory, never for a log. */
export type StoreSettings =
  | { readonly kind: 'folder'; readonly path: string }
  | ({ readonly kind: 's3' } & S3Place);

/** The process's environment, or as much of it as holds keys of AWS. */
export type StoreEnvironment = Readonly<Record<string, string | undefined>>;

const folderKeys = ['type', 'path'];
const s3Keys = [
  ...['type', 'endpoint', 'region', 'bucket', 'prefix', 'pathStyle', 'ca', 'insecure'],
  ...['accessKeyId', 'secretAccessKey', 'sessionToken'],
];

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** One file's fields, read with reasons. */
class Fields {
  readonly path: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(path: string, text: string) {
    this.path = path;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.wrong('it is not JSON', 'Check its syntax.');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.wrong('it is no object', 'As in {"type": "folder", "path": "/srv/backups"}.');
    }
    this.#fields = { ...value };
  }

  wrong(why: string, hint: string): CodedError {
    return new CodedError('config_invalid', `${this.path}: ${why}`, { hint });
  }

  onlyOf(known: readonly string[]): void {
    const unknown = Object.keys(this.#fields).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    throw this.wrong(`there is no ${unknown} here`, `There are ${known.join(', ')}.`);
  }

  text(key: string, standard?: string): string {
    const value = this.#fields[key] ?? standard;
    if (typeof value === 'string' && (value !== '' || standard !== undefined)) return value;
    throw this.wrong(`${key} is no text`, `Set ${key}.`);
  }

  flag(key: string): boolean {
    const value = this.#fields[key] ?? false;
    if (typeof value === 'boolean') return value;
    throw this.wrong(`${key} is not true or false`, 'Use true or false, without quotes.');
  }
}

const endpointFrom = (fields: Fields): string => {
  const text = fields.text('endpoint');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.pathname !== '/' || url.search !== '' || url.username !== '') {
    throw fields.wrong('endpoint is none', 'As in https://s3.eu-central-1.amazonaws.com.');
  }
  if (url.protocol === 'https:') return url.origin;
  if (url.protocol === 'http:' && fields.flag('insecure') && isLoopback(url.hostname)) {
    return url.origin;
  }
  throw fields.wrong(
    'endpoint is not https',
    'Backups and their keys go over TLS; http:// with "insecure": true is for loopback only.',
  );
};

const credentialsFrom = (fields: Fields, environment: StoreEnvironment): S3Place['credentials'] => {
  const inFile = fields.text('accessKeyId', '') !== '';
  const of = (key: string, name: string): string =>
    inFile ? fields.text(key, '') : (environment[name] ?? '');
  const accessKeyId = of('accessKeyId', 'AWS_ACCESS_KEY_ID');
  const secretAccessKey = of('secretAccessKey', 'AWS_SECRET_ACCESS_KEY');
  if (accessKeyId === '' || secretAccessKey === '') {
    throw fields.wrong(
      'it has no key',
      'Set accessKeyId and secretAccessKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    );
  }
  return { accessKeyId, secretAccessKey, sessionToken: of('sessionToken', 'AWS_SESSION_TOKEN') };
};

const s3From = (
  fields: Fields,
  environment: StoreEnvironment,
  pem: (path: string) => string,
): StoreSettings => {
  fields.onlyOf(s3Keys);
  const bucket = fields.text('bucket');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw fields.wrong('bucket is no name of one', 'Lower case letters, digits, dots, hyphens.');
  }
  const prefix = fields.text('prefix', '').replace(/^\/+|\/+$/g, '');
  if (!/^[A-Za-z0-9._/=@-]*$/.test(prefix) || prefix.split('/').includes('..')) {
    throw fields.wrong('prefix has other signs', 'Use letters, digits and . _ - = @ /.');
  }
  const ca = fields.text('ca', '');
  return {
    kind: 's3',
    endpoint: endpointFrom(fields),
    region: fields.text('region', 'us-east-1'),
    bucket,
    prefix: prefix === '' ? '' : `${prefix}/`,
    pathStyle: fields.flag('pathStyle'),
    ca: ca === '' ? undefined : pem(ca),
    credentials: credentialsFrom(fields, environment),
  };
};

const contentOf = (path: string, files: FileSystem): Buffer => {
  const file = files.open(path, 'read');
  try {
    const content = Buffer.alloc(Math.min(file.status().bytes, storeFileBytesMax));
    return content.subarray(0, file.read(content, 0));
  } finally {
    file.close();
  }
};

const readable = <Value>(path: string, work: () => Value): Value => {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('config_invalid', `${path} cannot be read: ${why}`, {
      hint: 'Check the path and who may read it.',
      cause,
    });
  }
};

/** @throws CodedError `config_invalid`, `file_permissions` (the file is not private) */
export const readStoreSettings = (
  path: string,
  environment: StoreEnvironment,
  files: FileSystem,
): StoreSettings => {
  const text = readable(path, () => readPrivateFile(path, storeFileBytesMax, files));
  const fields = new Fields(path, text.toString('utf8'));
  const type = fields.text('type');
  const near = (name: string): string => resolve(dirname(path), name);
  if (type === 's3') {
    return s3From(fields, environment, (ca) =>
      readable(near(ca), () => contentOf(near(ca), files)).toString('utf8'),
    );
  }
  if (type === 'folder') {
    fields.onlyOf(folderKeys);
    const folder = fields.text('path');
    return { kind: 'folder', path: isAbsolute(folder) ? folder : near(folder) };
  }
  throw fields.wrong(`there is no type ${JSON.stringify(type)}`, 'Use folder or s3.');
};

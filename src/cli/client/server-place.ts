// Which server a client command talks to and as whom: a URL, a `cluster.json`, or a folder that
// `up`, `init` or `join` made. Reads what is named there and nothing else.
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { diskFiles } from '#certs-tool/files.ts';
import { nodeFolder } from '#cli/cluster/node-folder.ts';
import type { CommandInput, CommandOption } from '#cli/command.ts';
import { canAsk, secretFromFile, secretsFromTerminal } from '#cli/users/secret-input.ts';
import { CodedError } from '#errors.ts';

/** A server and the credentials for it. */
export interface ServerPlace {
  readonly url: URL;
  /** PEM of the authority that signed its certificate; undefined: the machine's own authorities. */
  readonly ca: string | undefined;
  /** Client certificate and key, PEM. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** Value of the Authorization header; undefined: none. */
  readonly authorization: string | undefined;
}

const text = (name: string, value: string, meaning: string): CommandOption => ({
  name,
  kind: 'text',
  value,
  standard: '',
  meaning,
});

/** What every client command takes. */
export const placeOptions: readonly CommandOption[] = [
  text('server', 'PLACE', 'https://host:port, a cluster.json, or the folder of up, init or join'),
  text('ca', 'FILE', 'authority that signed the certificate of the server'),
  text('user', 'NAME', 'who asks; the password is asked for unless a file has it'),
  text('password-file', 'FILE', 'file with the password (mode 0600), - for standard input'),
  text('token-file', 'FILE', 'file with a bearer token (mode 0600), in place of a password'),
  text('certificate', 'FILE', 'client certificate, with --key, in place of a password'),
  text('key', 'FILE', 'key of the client certificate'),
];

/** Where servers are looked for when none is named. */
const standardPlaces = ['./stockade-data', './stockade'] as const;

interface Found {
  readonly url: string;
  readonly ca: string | undefined;
  readonly user: string;
  readonly passwordFile: string;
}

const exists = (path: string): boolean => diskFiles.stateOf(path) !== undefined;

const noClusterFile = (path: string, cause?: unknown): CodedError =>
  new CodedError('usage', `${path} is no cluster.json`, {
    hint: 'Name the file that stockade up wrote, or give a URL.',
    cause,
  });

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(diskFiles.readText(path));
  } catch (error) {
    throw noClusterFile(path, error);
  }
};

interface ClusterFile {
  readonly ca: string;
  readonly admin: { readonly user: string; readonly passwordFile: string };
  readonly nodes: readonly { readonly url: string }[];
}

const isClusterFile = (value: unknown): value is ClusterFile => {
  const file = value as Partial<ClusterFile> | null;
  return (
    typeof file === 'object' &&
    typeof file?.ca === 'string' &&
    typeof file.admin?.user === 'string' &&
    typeof file.admin.passwordFile === 'string' &&
    typeof file.nodes?.[0]?.url === 'string'
  );
};

const inClusterFile = (path: string): Found => {
  const file = readJson(path);
  if (!isClusterFile(file)) throw noClusterFile(path);
  const { ca, admin, nodes } = file;
  return { url: nodes[0]?.url ?? '', ca, user: admin.user, passwordFile: admin.passwordFile };
};

const inNodeFolder = (root: string): Found => {
  const folder = nodeFolder(root);
  const config = parse(diskFiles.readText(folder.config)) as {
    http?: { listen?: unknown; advertise?: unknown };
  } | null;
  // Where others are told the address that is listened on, it stands there once.
  const advertise = config?.http?.advertise ?? config?.http?.listen;
  if (typeof advertise !== 'string') {
    throw new CodedError('usage', `${folder.config} has neither http.advertise nor http.listen`, {
      hint: 'Give the URL of the server with --server https://host:port.',
    });
  }
  const hasAdmin = exists(folder.adminPassword);
  return {
    url: `https://${advertise}`,
    ca: join(folder.certs, 'client-ca.crt'),
    user: hasAdmin ? 'admin' : '',
    passwordFile: hasAdmin ? folder.adminPassword : '',
  };
};

const isUrl = (place: string): boolean => /^https?:\/\//.test(place);

const find = (place: string): Found => {
  if (isUrl(place)) return { url: place, ca: undefined, user: '', passwordFile: '' };
  const path = resolve(place);
  if (exists(join(path, 'cluster.json'))) return inClusterFile(join(path, 'cluster.json'));
  if (exists(join(path, 'node.yaml'))) return inNodeFolder(path);
  if (exists(path) && path.endsWith('.json')) return inClusterFile(path);
  throw new CodedError('usage', `${place} is no server, no cluster.json and no folder of a node`, {
    hint: 'A cluster.json is there while stockade up runs. Else give --server https://host:port.',
  });
};

const standardPlace = (): string => {
  const place = standardPlaces.find(
    (folder) => exists(join(folder, 'cluster.json')) || exists(join(folder, 'node.yaml')),
  );
  if (place !== undefined) return place;
  throw new CodedError('usage', 'no server is named, and none of this folder is found', {
    hint: 'Give --server https://host:port --ca FILE --user NAME, or run stockade up.',
  });
};

/** The password in a file, or typed. @throws CodedError `usage` when nobody is there to type */
const passwordOf = async (user: string, file: string): Promise<string> => {
  if (file !== '') return secretFromFile(file === '-' ? file : resolve(file));
  if (canAsk()) {
    const [password = ''] = await secretsFromTerminal([`Password of ${user}: `]);
    return password;
  }
  throw new CodedError('usage', `the password of ${user} is needed`, {
    hint: 'Give --password-file FILE, or - for standard input.',
  });
};

const authorizationOf = async (input: CommandInput, found: Found): Promise<string | undefined> => {
  if (input.given('token-file')) {
    return `Bearer ${await secretFromFile(resolve(input.text('token-file')))}`;
  }
  const user = input.given('user') ? input.text('user') : found.user;
  if (user === '') return undefined;
  // The administrator's file is the administrator's: nobody else is logged in with it.
  const known = user === found.user ? found.passwordFile : '';
  const file = input.given('password-file') ? input.text('password-file') : known;
  const password = await passwordOf(user, file);
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
};

/** @throws CodedError `usage`, `file_permissions` */
export const serverPlaceFrom = async (input: CommandInput): Promise<ServerPlace> => {
  const found = find(input.given('server') ? input.text('server') : standardPlace());
  const url = new URL(found.url);
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !loopback) {
    throw new CodedError('usage', 'credentials are not sent over plain HTTP to another machine', {
      hint: `Give https://${url.host}.`,
    });
  }
  const ca = input.given('ca') ? resolve(input.text('ca')) : found.ca;
  const paired = input.given('certificate') === input.given('key');
  if (!paired) {
    throw new CodedError('usage', 'a client certificate needs --certificate and --key');
  }
  return {
    url,
    ca: ca === undefined ? undefined : diskFiles.readText(ca),
    certificate: input.given('certificate')
      ? {
          cert: diskFiles.readText(resolve(input.text('certificate'))),
          key: diskFiles.readSecret(resolve(input.text('key'))),
        }
      : undefined,
    authorization: await authorizationOf(input, found),
  };
};

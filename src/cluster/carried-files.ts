// The two files of an admission without a network between newcomer and cluster: what a newcomer
// asks for, and what it is given. docs/formats/carried.md. Whoever carries them may have changed
// them: reading checks form only, the readers judge what they say.
import { CodedError } from '#errors.ts';

const formatVersion = 1;

/** What a newcomer asks for; nothing in it is secret. */
export interface CarriedRequest {
  readonly name: string;
  readonly cluster: string;
  readonly storeId: string;
  /** host:port */
  readonly peerAddress: string;
  /** https://host:port */
  readonly apiUrl: string;
  /** PKCS#10, PEM. */
  readonly peerRequest: string;
  readonly httpsRequest: string;
}

/** What a member is given; the auth file makes it a secret. */
export interface CarriedAdmission {
  readonly name: string;
  readonly cluster: string;
  /** PEM, as the rest. */
  readonly peerCertificate: string;
  readonly peerCa: string;
  readonly httpsCertificate: string;
  readonly clientCa: string;
  readonly authFile: string;
  /** Encoded cluster record, base64. */
  readonly clusterRecord: string;
}

const requestKeys = [
  ...(['name', 'cluster', 'storeId', 'peerAddress', 'apiUrl'] as const),
  ...(['peerRequest', 'httpsRequest'] as const),
] as const satisfies readonly (keyof CarriedRequest)[];

const admissionKeys = [
  ...(['name', 'cluster', 'peerCertificate', 'peerCa', 'httpsCertificate'] as const),
  ...(['clientCa', 'authFile', 'clusterRecord'] as const),
] as const satisfies readonly (keyof CarriedAdmission)[];

const textOf = (kind: string, fields: object): string =>
  `${JSON.stringify({ stockade: kind, version: formatVersion, ...fields }, null, 2)}\n`;

const fieldsFrom = <Key extends string>(
  kind: string,
  keys: readonly Key[],
  path: string,
  text: string,
): Readonly<Record<Key, string>> => {
  const refused = (why: string): CodedError =>
    new CodedError('config_invalid', `${path} is no ${kind} of this version: ${why}`, {
      hint: 'Carry the file anew, whole and unchanged; it is made by `stockade join --prepare` or `stockade admit --request`.',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused('it is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw refused('it is no object');
  const given = new Map<string, unknown>(Object.entries(value));
  if (given.get('stockade') !== kind) throw refused('it is another kind of file');
  if (given.get('version') !== formatVersion) throw refused('its version is another one');
  const wanted = keys.map((key) => {
    const field = given.get(key);
    if (typeof field !== 'string') throw refused(`it has no text under ${key}`);
    return [key, field] as const;
  });
  if (given.size !== keys.length + 2) throw refused('it has fields that do not belong there');
  return Object.fromEntries(wanted) as Readonly<Record<Key, string>>;
};

/** The text of a request. */
export const carriedRequestText = (request: CarriedRequest): string =>
  textOf('join request', request);

/** @throws CodedError `config_invalid` */
export const carriedRequestFrom = (path: string, text: string): CarriedRequest =>
  fieldsFrom('join request', requestKeys, path, text);

/** The text of an admission. */
export const carriedAdmissionText = (admission: CarriedAdmission): string =>
  textOf('admission', admission);

/** @throws CodedError `config_invalid` */
export const carriedAdmissionFrom = (path: string, text: string): CarriedAdmission =>
  fieldsFrom('admission', admissionKeys, path, text);

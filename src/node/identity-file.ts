// `<data>/identity.json`: whose folder this is. Written once, when the folder is made; read at
// every start. And `<data>/bootstrap.json`: the first configuration of a new cluster, on its
// creator only.
import type { MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { type ClusterId, clusterIdFrom } from '#identity/cluster-id.ts';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import { type StoreId, storeIdFrom } from '#identity/store-id.ts';

/** Version of both files. */
const formatVersion = 1;

/** Names of the files in the data folder. */
export const identityFileName = 'identity.json';
export const bootstrapFileName = 'bootstrap.json';

/** Whose folder it is. */
export interface FolderIdentity {
  readonly name: NodeName;
  readonly cluster: ClusterId;
  readonly store: StoreId;
  /** The Raft log of this store was made: if it is gone, the store has forgotten its votes. */
  readonly hasLog: boolean;
}

const foreign = (path: string, why: string): CodedError =>
  new CodedError('data_folder_foreign', `${path} cannot be used: ${why}`, {
    hint: 'Point node.data to the folder that `stockade init`, `join` or `up` made for this node.',
  });

const objectFrom = (path: string, text: string): Record<string, unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw foreign(path, 'it is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw foreign(path, 'it is not an object');
  const fields: Record<string, unknown> = { ...value };
  if (fields['version'] !== formatVersion) {
    throw foreign(
      path,
      `its version is ${String(fields['version'])}, this program reads ${formatVersion}`,
    );
  }
  return fields;
};

const textOf = (path: string, fields: Record<string, unknown>, key: string): string => {
  const value = fields[key];
  if (typeof value !== 'string') throw foreign(path, `it has no text under ${key}`);
  return value;
};

/** The text of identity.json. */
export const identityText = (identity: FolderIdentity): string =>
  `${JSON.stringify({ version: formatVersion, ...identity }, null, 2)}\n`;

/** @throws CodedError `data_folder_foreign` with what is wrong with the file */
export const identityFrom = (path: string, text: string): FolderIdentity => {
  const fields = objectFrom(path, text);
  return {
    name: nodeNameFrom(textOf(path, fields, 'name')),
    cluster: clusterIdFrom(textOf(path, fields, 'cluster')),
    store: storeIdFrom(textOf(path, fields, 'store')),
    hasLog: fields['hasLog'] === true,
  };
};

/** The text of bootstrap.json: the members of a new cluster, voters all. */
export const bootstrapText = (members: readonly MemberRecord[]): string =>
  `${JSON.stringify({ version: formatVersion, members }, null, 2)}\n`;

/** @throws CodedError `data_folder_foreign` with what is wrong with the file */
export const bootstrapFrom = (path: string, text: string): readonly MemberRecord[] => {
  const { members } = objectFrom(path, text);
  if (!Array.isArray(members) || members.length === 0) throw foreign(path, 'it names no members');
  return members.map((member: unknown): MemberRecord => {
    if (typeof member !== 'object' || member === null) throw foreign(path, 'a member is no object');
    const fields: Record<string, unknown> = { ...member };
    return {
      name: nodeNameFrom(textOf(path, fields, 'name')),
      storeId: storeIdFrom(textOf(path, fields, 'storeId')),
      keyPin: textOf(path, fields, 'keyPin'),
      peerAddress: textOf(path, fields, 'peerAddress'),
      apiUrl: textOf(path, fields, 'apiUrl'),
    };
  });
};

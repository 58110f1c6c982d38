// rqlite's way out of a lost quorum: `<data>/raft/peers.json` on every survivor, all of them
// stopped, names who is left: [{"id", "address", "non_voter"}]. It is taken at the start and
// renamed to peers.info; what it does is what `stockade recover` does.
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import { readPrivateFile } from '#io/private-path.ts';
import type { FolderIdentity } from '#node/identity-file.ts';
import type { Logger } from '#node/logger.ts';
import type { NodeEffects } from '#node/node-effects.ts';
import type { OpenWriter } from '#node/writer-process.ts';
import { beginEpoch, planEpoch, type Survivor } from './new-epoch.ts';
import { peersFilePath } from './peers-file-path.ts';
import { logFolder, newestConfiguration, openStoppedLog } from './stopped-node.ts';

const fileBytesMax = 64 * 1024;

const invalid = (path: string, why: string): CodedError =>
  new CodedError('config_invalid', `${path} cannot be used: ${why}`, {
    hint: 'It is a list: [{"id": "n1", "address": "host:4002", "non_voter": false}]. Remove it if no quorum is lost.',
  });

const survivorFrom = (path: string, value: unknown): Survivor => {
  if (typeof value !== 'object' || value === null) throw invalid(path, 'an element is no object');
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const { id, address, non_voter: nonVoter = false } = fields;
  if (typeof id !== 'string' || id === '') throw invalid(path, 'an element has no id');
  if (typeof address !== 'string' || !/^[^\s:]+:\d+$|^\[[^\s\]]+\]:\d+$/.test(address)) {
    throw invalid(path, `the address of ${id} is not host:port`);
  }
  if (typeof nonVoter !== 'boolean') throw invalid(path, `non_voter of ${id} is no boolean`);
  return { name: id, voter: !nonVoter, peerAddress: address };
};

/** @throws CodedError `config_invalid` with what is wrong */
export const survivorsFrom = (path: string, text: string): readonly Survivor[] => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(path, 'it is not JSON');
  }
  if (!Array.isArray(value) || value.length === 0) throw invalid(path, 'it names nobody');
  const survivors = value.map((item: unknown) => survivorFrom(path, item));
  if (new Set(survivors.map(({ name }) => name)).size < survivors.length) {
    throw invalid(path, 'it names a node twice');
  }
  return survivors;
};

/**
 * Begins the epoch that a peers.json asks for, which is there.
 *
 * @throws CodedError `config_invalid`, `recovery_refused`, or what the log says of itself
 */
export const takePeersFile = async (
  folder: string,
  identity: FolderIdentity,
  database: OpenWriter,
  { files }: NodeEffects,
  log: Logger,
): Promise<void> => {
  const path = peersFilePath(folder);
  const survivors = survivorsFrom(path, readPrivateFile(path, fileBytesMax, files).toString());
  const stopped = await openStoppedLog(logFolder(folder));
  try {
    const { recovered } = stopped.log;
    const lastTerm = recovered.terms.at(-1)?.term ?? recovered.trimmedTerm;
    const configuration = newestConfiguration(database, recovered.configurationEntries);
    const node = { ...configuration, lastIndex: recovered.lastIndex, lastTerm };
    const plan = planEpoch(node, identity.name, survivors);
    await beginEpoch(stopped, recovered, plan);
    const { epoch, fenced, lifted } = plan;
    log.warn({ epoch, fenced, lifted }, 'peers.json: a new epoch begins');
  } finally {
    await stopped.close();
  }
  files.rename(path, join(logFolder(folder), 'peers.info'));
  files.syncFolder(logFolder(folder));
};

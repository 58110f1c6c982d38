// The data folder of a node that does not run, opened to be looked at and repaired: identity, log
// and database, with the lock that a running node holds. Opening does what every start does and
// changes nothing else.
import { join } from 'node:path';
import type { ClusterRecord } from '#command/member.ts';
import { openWriter } from '#db/open-writer.ts';
import type { Writer } from '#db/writer.ts';
import { CodedError } from '#errors.ts';
import type { DurableLog, LogAppend } from '#log/durable-log.ts';
import { openDurableLog } from '#log/open-durable-log.ts';
import { ClusterRecords } from '#node/cluster-records.ts';
import type { FolderIdentity } from '#node/identity-file.ts';
import { configurationCodec, membershipFrom } from '#node/membership-codec.ts';
import type { NodeEffects } from '#node/node-effects.ts';
import { readFolderIdentity } from '#node/node-files.ts';
import { requireLog } from '#node/store-memory.ts';
import type { OpenWriter } from '#node/writer-process.ts';
import type { Entry } from '#raft/entry.ts';
import { type LogIndex, logIndex } from '#raft/log-index.ts';
import type { Membership } from '#raft/membership.ts';
import type { Term } from '#raft/term.ts';

/** Size of a segment that a repair writes; the node goes on with its own setting. */
const segmentBytes = 16 * 1024 * 1024;
/** Entries of one read. */
export const readBytesMax = 4 * 1024 * 1024;

/** An open log that can be waited for. */
export interface StoppedLog {
  readonly log: DurableLog;
  /** Makes one append durable. */
  append(append: LogAppend): Promise<void>;
  /** Harmless when it was closed before. */
  close(): Promise<void>;
}

/** Opens the log in this folder. @throws CodedError what the log says of itself */
export const openStoppedLog = async (folder: string): Promise<StoppedLog> => {
  let settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  let sequence = 0;
  let closed: Promise<void> | undefined;
  const log = await openDurableLog(
    { folder, segmentBytes, recentBytesMax: readBytesMax },
    { onDurable: () => settle?.resolve(), onFailed: (error) => settle?.reject(error) },
  );
  return {
    log,
    append: (append) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        sequence += 1;
        log.append(sequence, append);
      }),
    close: () => {
      closed ??= log.close();
      return closed;
    },
  };
};

/** A stopped node. */
export interface StoppedNode {
  readonly folder: string;
  readonly identity: FolderIdentity;
  readonly writer: Writer;
  readonly stopped: StoppedLog;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** The newest configuration in its log, committed or not, and its record. */
  readonly membership: Membership;
  readonly record: ClusterRecord;
  close(): Promise<void>;
}

/** Where the log of a data folder lies. */
export const logFolder = (dataFolder: string): string => join(dataFolder, 'raft');

/** What a database knows of the cluster's members. */
type DatabaseConfiguration = Pick<OpenWriter, 'appliedIndex' | 'membership' | 'clusterRecord'>;

/** The newest configuration of a log behind what the database holds. */
export const newestConfiguration = (
  { appliedIndex, membership, clusterRecord }: DatabaseConfiguration,
  entries: readonly Entry[],
): { readonly record: ClusterRecord; readonly membership: Membership } => {
  const later = entries.filter(({ index }) => index > appliedIndex);
  const records = new ClusterRecords(logIndex(appliedIndex), Buffer.from(clusterRecord, 'base64'));
  records.appended(later);
  const last = later.at(-1);
  return {
    record: records.latest.record,
    membership:
      last === undefined
        ? membershipFrom(membership)
        : configurationCodec.decode(last.data).membership,
  };
};

/**
 * @throws CodedError `data_folder_in_use` while the node runs, `data_folder_foreign`,
 *   `log_damaged`, `storage_failed`
 */
export const openStoppedNode = async (
  folder: string,
  effects: NodeEffects,
): Promise<StoppedNode> => {
  const identity = readFolderIdentity(folder, effects.files);
  requireLog(folder, identity, effects.files);
  const writer = openWriter({ dataFolder: folder, cluster: identity.cluster, ...effects });
  try {
    const stopped = await openStoppedLog(logFolder(folder));
    const { recovered } = stopped.log;
    const { appliedIndex } = writer.state;
    if (recovered.lastIndex < appliedIndex || recovered.trimmedIndex > appliedIndex) {
      await stopped.close();
      throw new CodedError('log_damaged', `log and database of ${folder} are not of one moment`, {
        hint: 'Start the node once, as an image may be half adopted; then stop it and try again.',
      });
    }
    const lastTerm = recovered.terms.at(-1)?.term ?? recovered.trimmedTerm;
    return {
      ...{ folder, identity, writer, stopped, lastTerm },
      ...newestConfiguration(writer.state, recovered.configurationEntries),
      lastIndex: recovered.lastIndex,
      close: async () => {
        await stopped.close();
        writer.close();
      },
    };
  } catch (error) {
    writer.close();
    throw error;
  }
};

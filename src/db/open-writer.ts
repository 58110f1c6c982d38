// Opens the writer: takes the data folder's lock, opens the current generation, checks every
// setting, raises the writer's epoch and hands out the Writer. Synchronous; a process of its own
// wraps it.
import { dirname } from 'node:path';
import { decodeConfiguration } from '#command/configuration-codec.ts';
import type { Clock } from '#io/clock.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { resultBytesMax, rowsMax } from '#limits.ts';
import type { Membership } from '#raft/membership.ts';
import { nodeId } from '#raft/node-id.ts';
import { Applier } from './apply-entries.ts';
import { applySettings, checkVersion, writerSettings } from './connection-settings.ts';
import { type DataLock, takeDataLock } from './data-lock.ts';
import {
  type DatabasePaths,
  fileBytes,
  prepareDatabaseFiles,
  prepareLockFile,
  syncFile,
} from './database-files.ts';
import { defineDeterministicFunctions } from './deterministic-functions.ts';
import { type Engine, openEngine } from './engine.ts';
import { configurationKey, PositionStore } from './position.ts';
import type { Writer } from './writer.ts';

/** How to open a writer. */
export interface WriterOptions {
  /** The data folder; made when missing. */
  readonly dataFolder: string;
  /**
   * Enforce foreign keys: replicated state, the same on every node. Default off, as rqlite has it.
   */
  readonly foreignKeys?: boolean;
  /** Rows and bytes of one request's results (defaults: limits.ts). */
  readonly rowsMax?: number;
  readonly bytesMax?: number;
  readonly files: FileSystem;
  readonly random: Random;
  /** For durations only; the log's time comes with the entries. */
  readonly clock: Clock;
}

/**
 * A WAL larger than this is written back between batches: 35 MB flat under load, pauses of 20 ms.
 */
const checkpointBytes = 32 * 1024 * 1024;

/** How long to wait for a lock: nobody but a reader that closes ever holds one against us. */
const busyTimeoutMs = 5000;

interface StoredConfiguration {
  readonly membership: Membership;
  readonly clusterRecord: Uint8Array;
}

const noConfiguration: StoredConfiguration = {
  membership: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
  clusterRecord: new Uint8Array(0),
};

const configurationOf = (store: PositionStore): StoredConfiguration => {
  const data = store.readValue(configurationKey);
  if (!(data instanceof Uint8Array)) return noConfiguration;
  const record = decodeConfiguration(data);
  return {
    membership: {
      voters: record.voters.map(nodeId),
      votersOutgoing: record.votersOutgoing.map(nodeId),
      learners: record.learners.map(nodeId),
      learnersNext: record.learnersNext.map(nodeId),
      autoLeave: record.autoLeave,
    },
    clusterRecord: record.context,
  };
};

/** Opens the tables and takes office, in one transaction. */
const takeOffice = (engine: Engine): { readonly store: PositionStore; readonly epoch: number } => {
  engine.execute('BEGIN IMMEDIATE');
  const store = new PositionStore(engine);
  const epoch = store.raiseEpoch();
  engine.execute('COMMIT');
  return { store, epoch };
};

const writerOf = (
  engine: Engine,
  paths: DatabasePaths,
  options: WriterOptions,
  lock: DataLock,
): Writer => {
  checkVersion(engine);
  applySettings(engine, writerSettings(options.foreignKeys ?? false));
  const { store, epoch } = takeOffice(engine);
  // The directory entry of the -wal file, which opening has made.
  options.files.syncFolder(dirname(paths.writeAheadLog));
  const functions = defineDeterministicFunctions(engine);
  const bounds = {
    rowsMax: options.rowsMax ?? rowsMax,
    bytesMax: options.bytesMax ?? resultBytesMax,
  };
  const applier = new Applier({
    engine,
    store,
    functions,
    epoch,
    bounds,
    nowMs: () => options.clock.monotonicMs(),
  });
  return {
    get state() {
      const { index, term, schemaIndex, timeMs } = applier.position;
      const configuration = configurationOf(store);
      return { appliedIndex: index, appliedTerm: term, schemaIndex, timeMs, ...configuration };
    },
    apply: (entries) => applier.apply(entries),
    maintain: () => {
      if (fileBytes(paths.writeAheadLog, options.files) < checkpointBytes) return;
      engine.execute('PRAGMA wal_checkpoint(PASSIVE)');
    },
    durableIndex: () => {
      // What is committed is in the WAL before this, so syncing the WAL makes all of it durable.
      const { index } = applier.position;
      syncFile(paths.writeAheadLog, options.files);
      return index;
    },
    close: () => {
      functions.close();
      engine.close();
      lock.release();
    },
  };
};

/**
 * Opens the writer of a data folder.
 *
 * @throws CodedError `data_folder_in_use`, `data_folder_foreign`, `storage_failed`
 */
export const openWriter = (options: WriterOptions): Writer => {
  const lock = takeDataLock(prepareLockFile(options.dataFolder, options.files));
  let engine: Engine | undefined;
  try {
    const paths = prepareDatabaseFiles(options.dataFolder, options);
    engine = openEngine(paths.database, { readonly: false, busyTimeoutMs });
    return writerOf(engine, paths, options, lock);
  } catch (thrown) {
    engine?.close();
    lock.release();
    throw thrown;
  }
};

// Opens the writer: takes the data folder's lock, opens the current generation, checks every
// setting, raises the writer's epoch and hands out the Writer. Synchronous; a process of its own
// wraps it.
import { dirname } from 'node:path';
import { CodedError } from '#errors.ts';
import type { Clock } from '#io/clock.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { resultBytesMax, rowsMax } from '#limits.ts';
import { Applier } from './apply-entries.ts';
import { type CaptureSettings, captureFrom, type OpenCapture } from './changes/open-capture.ts';
import { type ClusterSettings, openSettings } from './cluster-settings.ts';
import {
  applySettings,
  checkVersion,
  clusterPragmas,
  writerSettings,
} from './connection-settings.ts';
import { type DataLock, takeDataLock } from './data-lock.ts';
import {
  currentDatabaseFiles,
  type DatabasePaths,
  fileBytes,
  prepareDatabaseFiles,
  prepareLockFile,
  syncFile,
} from './database-files.ts';
import { defineDeterministicFunctions } from './deterministic-functions.ts';
import { makeEndedTable } from './ended-transactions.ts';
import { type Engine, openEngine } from './engine.ts';
import { engineFingerprint } from './engine-fingerprint.ts';
import { makeCurrent, removeLeftovers } from './generations.ts';
import { makeKeptTable } from './kept-outcomes.ts';
import { makeLoadTable } from './load/load-store.ts';
import { maintainedIn } from './maintained.ts';
import { clusterKey, makeTables, PositionStore } from './position.ts';
import { storedConfiguration } from './stored-configuration.ts';
import { WriteAheadLog } from './write-ahead-log.ts';
import type { AppliedBatch, CommittedEntry, Writer } from './writer.ts';

/** How to open a writer. */
export interface WriterOptions {
  /** The data folder; made when missing. */
  readonly dataFolder: string;
  /** The cluster that the data is of: written down by the first writer, compared by every other. */
  readonly cluster?: string;
  /** The generation to use from now on, when it is not the current one: an adopted image. */
  readonly generation?: string;
  /**
   * Whether foreign keys are enforced, as the node's configuration has it: compared with what the
   * cluster has. Without it the database decides; a new one has it off, as rqlite.
   */
  readonly foreignKeys?: boolean;
  /** What entries change is captured; undefined: it is not. */
  readonly changes?: CaptureSettings;
  /** Rows and bytes of one request's results (defaults: limits.ts). */
  readonly rowsMax?: number;
  readonly bytesMax?: number;
  readonly files: FileSystem;
  readonly random: Random;
  /** For durations only; the log's time comes with the entries. */
  readonly clock: Clock;
}

/** How long to wait for a lock: nobody but a reader that closes ever holds one against us. */
const busyTimeoutMs = 5000;

const requireCluster = (store: PositionStore, cluster: string | undefined): void => {
  if (cluster === undefined) return;
  const stored = store.readValue(clusterKey);
  if (stored === null) store.writeValue(clusterKey, cluster);
  else if (stored !== cluster) {
    throw new CodedError('data_folder_foreign', 'the database is of another cluster', {
      hint: 'Check that db/ was not copied from elsewhere; an empty folder can join the cluster.',
    });
  }
};

/** What a writer has when it has taken office. */
interface Office {
  readonly store: PositionStore;
  readonly epoch: number;
  readonly settings: ClusterSettings;
}

/** Opens the tables and takes office, in one transaction. */
const takeOffice = (engine: Engine, { cluster, foreignKeys }: WriterOptions): Office => {
  engine.execute('BEGIN IMMEDIATE');
  makeTables(engine);
  makeLoadTable(engine);
  makeKeptTable(engine);
  makeEndedTable(engine);
  const store = new PositionStore(engine);
  requireCluster(store, cluster);
  const settings = openSettings(store, foreignKeys === undefined ? undefined : { foreignKeys });
  const epoch = store.raiseEpoch();
  engine.execute('COMMIT');
  return { store, epoch, settings };
};

/** One generation, open. */
interface OpenGeneration {
  /** What computes the data. */
  readonly fingerprint: string;
  readonly applier: Applier;
  readonly store: PositionStore;
  readonly writeAheadLog: WriteAheadLog;
  readonly paths: DatabasePaths;
  readonly capture: OpenCapture | undefined;
  close(): void;
}

const openOn = (engine: Engine, paths: DatabasePaths, options: WriterOptions): OpenGeneration => {
  checkVersion(engine);
  applySettings(engine, writerSettings);
  const { store, epoch, settings } = takeOffice(engine, options);
  applySettings(engine, clusterPragmas(settings));
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
    effects: options,
    oneByOne: options.changes !== undefined,
    nowMs: () => options.clock.monotonicMs(),
  });
  const writeAheadLog = new WriteAheadLog(engine, () =>
    fileBytes(paths.writeAheadLog, options.files),
  );
  const capture =
    options.changes === undefined
      ? undefined
      : captureFrom(options.changes, paths, applier.position.index, options);
  return {
    fingerprint: engineFingerprint(engine),
    applier,
    store,
    writeAheadLog,
    paths,
    capture,
    close: () => {
      // A batch that broke off has committed entries as well.
      capture?.follow();
      capture?.secure();
      functions.close();
      engine.close();
      // Behind the engine: closing a file of the database drops the locks that SQLite has on it.
      capture?.close();
    },
  };
};

const openCurrent = (options: WriterOptions): OpenGeneration => {
  const paths = currentDatabaseFiles(options.dataFolder, options.files);
  const engine = openEngine(paths.database, { readonly: false, busyTimeoutMs });
  try {
    return openOn(engine, paths, options);
  } catch (thrown) {
    engine.close();
    throw thrown;
  }
};

/** The writer on whichever generation is the current one. */
const currentWriter = (options: WriterOptions, lock: DataLock): Writer => {
  const { dataFolder, files } = options;
  let open = openCurrent(options);
  let vacuumsSkipped = 0;
  /** What a load leaves over of the entries is applied to the database that it has brought. */
  const apply = (entries: readonly CommittedEntry[]): AppliedBatch => {
    const batch = open.applier.apply(entries);
    open.capture?.follow();
    if (!batch.replaced) return batch;
    vacuumsSkipped += open.applier.vacuumsSkipped;
    open.close();
    open = openCurrent(options);
    const rest = apply(entries.filter(({ index }) => index > batch.appliedIndex));
    return {
      ...rest,
      marks: [...batch.marks, ...rest.marks],
      outcomes: [...batch.outcomes, ...rest.outcomes],
      replaced: true,
    };
  };
  return {
    get state() {
      const { index, term, schemaIndex, timeMs, chain } = open.applier.position;
      return {
        appliedIndex: index,
        appliedTerm: term,
        schemaIndex,
        outcomeChain: chain,
        timeMs,
        ...storedConfiguration(open.store),
      };
    },
    engine: open.fingerprint,
    apply,
    rehearse: (data) => {
      open.applier.rehearse(data);
    },
    maintained: () => ({
      lastMs: maintainedIn(open.store),
      vacuumsSkipped: vacuumsSkipped + open.applier.vacuumsSkipped,
    }),
    tryTransaction: (trial) => open.applier.tryTransaction(trial),
    noteHighWater: (index) => open.capture?.noteHighWater(index),
    get captured() {
      return open.capture?.numbers();
    },
    maintain: () => open.writeAheadLog.maintain(() => open.capture?.secure()),
    durableIndex: () => {
      // What is committed is in the WAL before this, so syncing the WAL makes all of it durable.
      const { index } = open.applier.position;
      syncFile(open.paths.writeAheadLog, files);
      return index;
    },
    removeLeftovers: (temporary) => {
      removeLeftovers(dataFolder, temporary, files);
    },
    reap: () => {
      open.capture?.secure();
      return {
        generations: removeLeftovers(dataFolder, false, files),
        checkpoints: open.writeAheadLog.writeBack() ? 1 : 0,
      };
    },
    close: () => {
      open.close();
      lock.release();
    },
  };
};

/**
 * Opens the writer of a data folder.
 *
 * @throws CodedError `data_folder_in_use`, `data_folder_foreign`, `storage_failed`,
 *   `config_invalid` when the cluster has other settings
 */
export const openWriter = (options: WriterOptions): Writer => {
  const lock = takeDataLock(prepareLockFile(options.dataFolder, options.files));
  try {
    const { dataFolder, generation } = options;
    prepareDatabaseFiles(dataFolder, options);
    if (generation !== undefined) makeCurrent(dataFolder, generation, options);
    return currentWriter(options, lock);
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
};

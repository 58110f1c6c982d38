// Opens the capture of a generation: the files that it reads, and the store it writes.
import type { DatabasePaths } from '#db/database-files.ts';
import { vacuumedAt } from '#db/vacuum-generation.ts';
import type { FileSystem } from '#io/file-system.ts';
import { Capture } from './capture.ts';
import { ChangeStore } from './change-store.ts';

/** Settings of capture. */
export interface CaptureSettings {
  /** Bytes of events that are kept. */
  readonly keptBytes: number;
  /** Something could not be captured; it is a gap of the stream. */
  readonly onProblem: (error: unknown) => void;
}

/** What capture has counted. */
export interface CaptureNumbers {
  /** Every change up to this entry is stored, or a gap in its place. */
  readonly storedIndex: number;
  /** Of events that are kept. */
  readonly keptBytes: number;
  /** Gaps, since this writer was opened. */
  readonly gaps: number;
}

/** Capture from the database in use. */
export interface OpenCapture {
  /** Behind a batch: captures what it changed. Never throws. */
  follow(): void;
  /** Before the write-ahead log is written back. */
  secure(): void;
  /** Everything up to this entry was posted and taken. */
  noteHighWater(index: number): void;
  /** What it has counted. */
  numbers(): CaptureNumbers;
  /** Behind the close of the database. */
  close(): void;
}

/** Nothing is captured: what is missing is a gap once it is again. */
const without = (store: ChangeStore): Pick<OpenCapture, 'follow' | 'secure' | 'numbers'> => ({
  follow: () => undefined,
  secure: () => undefined,
  numbers: () => ({ storedIndex: store.position.index, keptBytes: store.bytes, gaps: 0 }),
});

/**
 * Opens it. A database whose pages cannot be read is no reason to be without it: then nothing is
 * captured, which is told.
 *
 * @throws CodedError `data_folder_foreign` for a store of another version; errors of the disk
 */
export const captureFrom = (
  { keptBytes, onProblem }: CaptureSettings,
  { database, writeAheadLog }: DatabasePaths,
  appliedIndex: number,
  { files, dataFolder }: { readonly files: FileSystem; readonly dataFolder: string },
): OpenCapture => {
  const store = ChangeStore.open(dataFolder, appliedIndex, keptBytes, files);
  const opened = [files.open(database, 'read'), files.open(writeAheadLog, 'read')] as const;
  const common = {
    noteHighWater: (index: number) => {
      try {
        store.noteHighWater(index);
      } catch (thrown) {
        // It is told again and again, and an old mark only means that more is sent twice.
        onProblem(thrown);
      }
    },
    close: () => {
      store.close();
      for (const file of opened) file.close();
    },
  };
  const [databaseFile, log] = opened;
  const generation = { generation: database, vacuumedAt: vacuumedAt(database) };
  try {
    const capture = new Capture({ database: databaseFile, log, store, ...generation, onProblem });
    return {
      ...common,
      follow: () => capture.follow(),
      secure: () => capture.secure(),
      numbers: () => ({ ...capture.numbers, keptBytes: store.bytes }),
    };
  } catch (thrown) {
    onProblem(thrown);
    return { ...common, ...without(store) };
  }
};

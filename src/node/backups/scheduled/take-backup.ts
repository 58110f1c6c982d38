// One scheduled backup from beginning to end: look whether it is time and whether anything changed,
// copy, compress, send, verify, describe, remove what is too old. Runs in a process of its own.
import { backupPath } from '#db/backup/backup-copy.ts';
import { type MadeBackup, makeBackup } from '#db/backup/make-backup.ts';
import { type StoredForm, storedForm } from '#db/backup/stored-form.ts';
import { positionIn, type TakenState, takenStateOf } from '#db/backup/taken-state.ts';
import { CodedError } from '#errors.ts';
import { fetchChunks } from '#node/backups/fetch-backup.ts';
import type { NodeEffects } from '#node/node-effects.ts';
import { backupNameOf, clusterInName, manifestNameOf } from '#store/backup-name.ts';
import type { BackupStore, SentFile } from '#store/backup-store.ts';
import {
  backupsIn,
  namesToRemove,
  ofCluster,
  type Retention,
  readManifest,
} from '#store/catalogue.ts';
import { type Manifest, manifestFormat, manifestText } from '#store/manifest.ts';

/** What is to be backed up, and how. */
export interface BackupTask {
  readonly folder: string;
  readonly cluster: string;
  readonly node: string;
  readonly version: string;
  readonly compress: boolean;
  readonly vacuum: boolean;
  /** Fetch it again and open that; else what was to be sent is opened. */
  readonly readBack: boolean;
  readonly keep: Retention;
  /** The newest backup in the store is at least this old, or it is too early. */
  readonly intervalMs: number;
}

/** Where a backup is. */
export type BackupPhase = 'looking' | 'copying' | 'sending' | 'verifying' | 'tidying';

/** How far it is; `bytes` of `bytesAll` are sent. */
export interface BackupProgress {
  readonly phase: BackupPhase;
  readonly bytes: number;
  readonly bytesAll: number;
}

/** What came of it. `lastMs`: when the newest backup in the store was taken. */
export type BackupEnd =
  | { readonly kind: 'early'; readonly lastMs: number }
  | { readonly kind: 'unchanged'; readonly lastMs: number }
  | {
      readonly kind: 'stored';
      readonly name: string;
      readonly lastMs: number;
      readonly index: number;
      readonly content: string;
      readonly bytes: number;
      readonly databaseBytes: number;
      readonly removed: number;
      /** Why old backups could not be removed; empty when they could. */
      readonly tidyingFailed: string;
    };

/** Thrown out of the copying when nothing is new. */
class Unchanged extends Error {}

const lastBackup = async (store: BackupStore, cluster: string): Promise<Manifest | undefined> => {
  const [newest] = ofCluster(backupsIn(await store.list()), cluster);
  return newest === undefined ? undefined : readManifest(store, newest.name);
};

/** A new leader's clock may be behind: a backup from the future is no reason to wait for it. */
const isEarly = (last: Manifest | undefined, intervalMs: number, nowMs: number): boolean =>
  last !== undefined && last.takenMs <= nowMs && nowMs - last.takenMs < intervalMs;

const bytesOf = (text: string): SentFile => {
  const content = Buffer.from(text);
  return {
    bytes: content.length,
    read: (into, position) => content.copy(into, 0, position),
  };
};

async function* chunksOf(file: SentFile): AsyncGenerator<Buffer> {
  const chunkBytes = 1024 * 1024;
  for (let at = 0; at < file.bytes; ) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, file.bytes - at));
    const length = file.read(chunk, at);
    if (length === 0) return;
    at += length;
    yield chunk.subarray(0, length);
  }
}

/** One backup under way. */
class Taking {
  readonly #task: BackupTask;
  readonly #store: BackupStore;
  readonly #effects: NodeEffects;
  readonly #tell: (progress: BackupProgress) => void;

  constructor(
    task: BackupTask,
    store: BackupStore,
    effects: NodeEffects,
    tell: (progress: BackupProgress) => void,
  ) {
    this.#task = task;
    this.#store = store;
    this.#effects = effects;
    this.#tell = tell;
  }

  async run(): Promise<BackupEnd> {
    const { cluster, intervalMs, compress } = this.#task;
    this.#phase('looking');
    const last = await lastBackup(this.#store, cluster);
    const takenMs = Math.floor(this.#effects.clock.wallMs() / 1000) * 1000;
    if (last !== undefined && isEarly(last, intervalMs, takenMs)) {
      return { kind: 'early', lastMs: last.takenMs };
    }
    this.#phase('copying');
    let state: TakenState | undefined;
    let made: MadeBackup;
    try {
      made = await makeBackup(this.#source, this.#task.vacuum, (snapshot) => {
        const { index, term } = positionIn(snapshot);
        if (last?.index === index && last.term === term) throw new Unchanged();
        state = takenStateOf(snapshot);
        if (last?.content === state.digest) throw new Unchanged();
      });
    } catch (error) {
      if (!(error instanceof Unchanged)) throw error;
      return { kind: 'unchanged', lastMs: last?.takenMs ?? 0 };
    }
    if (state === undefined) throw new CodedError('internal', 'a copy that nobody looked at');
    const databaseBytes = made.bytes;
    const { files } = this.#effects;
    const form = await storedForm(made, compress, backupPath(this.#source), files);
    try {
      return await this.#send(form, { ...state, takenMs, databaseBytes });
    } finally {
      form.close();
    }
  }

  get #source() {
    return { dataFolder: this.#task.folder, ...this.#effects };
  }

  #phase(phase: BackupPhase): void {
    this.#tell({ phase, bytes: 0, bytesAll: 0 });
  }

  async #send(
    form: StoredForm,
    taken: TakenState & { readonly takenMs: number; readonly databaseBytes: number },
  ): Promise<BackupEnd> {
    const { cluster, node, version, compress: compressed } = this.#task;
    const { index, term, takenMs, databaseBytes, digest: content, rows } = taken;
    const { bytes, sha256 } = form;
    const name = backupNameOf({ takenMs, cluster: clusterInName(cluster), index, compressed });
    const manifest: Manifest = {
      format: manifestFormat,
      ...{ cluster, node, version, index, term, takenMs, content, rows },
      ...{ databaseBytes, compressed, bytes, sha256 },
    };
    if (!this.#task.readBack) await this.#verify(chunksOf(form), manifest);
    this.#tell({ phase: 'sending', bytes: 0, bytesAll: bytes });
    await this.#store.put(name, form, (sent) => {
      this.#tell({ phase: 'sending', bytes: sent, bytesAll: bytes });
    });
    try {
      if (this.#task.readBack) await this.#verify(this.#store.get(name), manifest);
      await this.#store.put(manifestNameOf(name), bytesOf(manifestText(manifest)));
    } catch (error) {
      await this.#store.remove(name).catch(() => undefined);
      throw error;
    }
    return {
      kind: 'stored',
      ...{ name, lastMs: takenMs, index, content, bytes, databaseBytes },
      ...(await this.#tidy()),
    };
  }

  async #verify(chunks: AsyncIterable<Buffer>, manifest: Manifest): Promise<void> {
    this.#phase('verifying');
    const path = backupPath(this.#source);
    const { files } = this.#effects;
    await fetchChunks(chunks, manifest, path, files);
    files.remove(path);
  }

  /** Whatever goes wrong here, the backup is there. */
  async #tidy(): Promise<{ readonly removed: number; readonly tidyingFailed: string }> {
    this.#phase('tidying');
    let removed = 0;
    try {
      const { cluster, keep } = this.#task;
      const objects = await this.#store.list();
      for (const name of namesToRemove(objects, cluster, keep, this.#effects.clock.wallMs())) {
        await this.#store.remove(name);
        removed += 1;
      }
      return { removed, tidyingFailed: '' };
    } catch (error) {
      return { removed, tidyingFailed: error instanceof Error ? error.message : String(error) };
    }
  }
}

/**
 * Takes one backup.
 *
 * @throws CodedError `store_failed`, `backup_invalid`, `disk_full`, `storage_failed`
 */
export const takeBackup = (
  task: BackupTask,
  store: BackupStore,
  effects: NodeEffects,
  tell: (progress: BackupProgress) => void,
): Promise<BackupEnd> => new Taking(task, store, effects, tell).run();

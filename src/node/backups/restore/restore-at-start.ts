// A new cluster that begins with a backup. Only the node that creates the cluster does it, in a
// folder that never held data: the backup is fetched and checked before the cluster exists, and
// goes through the log before anything else may be written, so every member has it. Never over
// data.

import { CodedError } from '#errors.ts';
import type { Backend } from '#http/backend.ts';
import type { DataReply, DataRequest } from '#http/data/data-request.ts';
import { proposeFileStep } from '#http/data/propose-step.ts';
import { sendFile } from '#http/data/send-file.ts';
import type { RestoreConfig } from '#node/backup-config.ts';
import { processEnvironment } from '#node/config.ts';
import type { Logger } from '#node/logger.ts';
import type { NodeEffects } from '#node/node-effects.ts';
import type { BackupOrigin } from '#node/seams/scheduled-backup-seam.ts';
import { readStoreSettings } from '#store/store-settings.ts';
import { type OpenFetched, openFetched } from './open-fetched.ts';
import { hasRestoreMark, removeRestoreMark, writeRestoreMark } from './restore-mark.ts';

/** Between two looks whether this node leads, and behind an attempt that failed. */
const lookMs = 100;
const againMs = 2000;

/** What it is about. */
export interface RestoreOptions {
  readonly folder: string;
  readonly restore: RestoreConfig | undefined;
  readonly effects: NodeEffects;
  readonly log: Logger;
  /** This node is about to create a cluster, and there is neither a log nor an entry here. */
  readonly creates: boolean;
  /** Index of the last entry that changed the schema: without one there is no data. */
  readonly schemaIndex: number;
}

/** What it needs of the running node. */
export interface RestoreLoop {
  readonly leads: () => boolean;
  readonly schemaIndex: () => number;
  /** Proposes although the node takes nothing else. */
  readonly propose: Backend['propose'];
  /** It is over: the node may serve. */
  readonly done: () => void;
}

/** See the head of this file. */
export class RestoreAtStart {
  readonly #options: Pick<RestoreOptions, 'folder' | 'effects' | 'log'>;
  readonly #fetched: OpenFetched;
  #owed = true;
  #stopped = false;

  constructor(options: Pick<RestoreOptions, 'folder' | 'effects' | 'log'>, fetched: OpenFetched) {
    this.#options = options;
    this.#fetched = fetched;
  }

  /** While it is, nothing is read or written here. */
  get owed(): boolean {
    return this.#owed;
  }

  /** Puts it into the log when this node leads; tries until it is there. */
  async run(loop: RestoreLoop): Promise<void> {
    const { log } = this.#options;
    while (this.#owed && !this.#stopped) {
      if (loop.schemaIndex() > 0) {
        this.#end(loop);
        log.error('the backup was not restored: the cluster has data already');
      } else if (loop.leads()) await this.#attempt(loop);
      else await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  /** Gives up; the mark stays, and the next start goes on. */
  stop(): void {
    this.#stopped = true;
    this.#fetched.release();
  }

  async #attempt(loop: RestoreLoop): Promise<void> {
    const { log } = this.#options;
    const { about, file } = this.#fetched;
    const started = performance.now();
    try {
      await sendFile(
        {
          run: (request, done) => void answered(loop, request, done),
          nowMs: () => performance.now(),
        },
        { user: '', requestId: 'restore', clientAddress: '' },
        file,
      );
    } catch (error) {
      if (this.#stopped) return;
      log.error({ err: error }, 'the backup is not restored yet; trying again');
      await new Promise((resolve) => setTimeout(resolve, againMs));
      // Its last step may have been applied although nobody said so.
      if (loop.schemaIndex() > 0) this.#end(loop);
      return;
    }
    this.#end(loop);
    const { name, rows, content, bytes } = about;
    const tookMs = Math.round(performance.now() - started);
    log.info({ name, rows, content, bytes, tookMs }, 'the cluster begins with a backup');
  }

  #end({ done }: RestoreLoop): void {
    this.#owed = false;
    const { folder, effects } = this.#options;
    removeRestoreMark(folder, effects.files);
    this.#fetched.release();
    done();
  }
}

/** Never rejects: what goes wrong is a reply. */
const answered = async (
  loop: RestoreLoop,
  request: DataRequest,
  done: (reply: DataReply) => void,
): Promise<void> => {
  done(await proposeFileStep(loop, request));
};

const originOf = ({ from }: RestoreConfig, effects: NodeEffects): BackupOrigin => {
  if (from.kind === 'file') return from;
  const { storeFile, name } = from;
  const store = readStoreSettings(storeFile, processEnvironment(), effects.files);
  return { kind: 'store', store, name };
};

/**
 * Fetches and checks the backup that the cluster is to begin with; undefined: it begins empty, or
 * is
 * there already.
 *
 * @throws CodedError why there is none; nothing was created
 */
export const prepareRestore = async (
  options: RestoreOptions,
): Promise<RestoreAtStart | undefined> => {
  const { folder, restore, effects, log, creates, schemaIndex } = options;
  const marked = hasRestoreMark(folder, effects.files);
  if (restore === undefined || schemaIndex > 0) {
    if (marked) removeRestoreMark(folder, effects.files);
    return undefined;
  }
  if (!marked && !creates) return undefined;
  try {
    const origin = originOf(restore, effects);
    const fetched = await openFetched(folder, origin);
    log.info({ name: fetched.about.name }, 'the backup to begin with is here, and sound');
    if (!marked) writeRestoreMark(folder, fetched.about.name, effects);
    return new RestoreAtStart(options, fetched);
  } catch (error) {
    if (!(error instanceof CodedError) || !restore.continues) throw error;
    log.error({ err: error }, 'no backup is restored: the cluster begins empty');
    removeRestoreMark(folder, effects.files);
    return undefined;
  }
};

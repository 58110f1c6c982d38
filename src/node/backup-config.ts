// The settings of scheduled backups and of a first restore, checked together.
import { CodedError } from '#errors.ts';
import { durationMsOf } from './cluster-config.ts';

/** Scheduled backups. */
export interface BackupConfig {
  readonly intervalMs: number;
  /** Path of the file that says where they go (mode 0600). */
  readonly storeFile: string;
  readonly compress: boolean;
  readonly vacuum: boolean;
  readonly readBack: boolean;
  /** 0: any number; undefined: any age. */
  readonly keep: { readonly count: number; readonly ageMs: number | undefined };
}

/** What a new cluster begins with. */
export interface RestoreConfig {
  readonly from:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'store'; readonly storeFile: string; readonly name: string | undefined };
  /** An empty cluster is better than none. */
  readonly continues: boolean;
}

const invalid = (message: string, hint: string): CodedError =>
  new CodedError('config_invalid', message, { hint });

/** Undefined: there are none. @throws CodedError `config_invalid` */
export const backupConfigFrom = (text: (key: string) => string): BackupConfig | undefined => {
  const intervalMs = durationMsOf(text('backup.auto.interval'));
  const storeFile = text('backup.auto.store');
  if (intervalMs === undefined && storeFile === '') return undefined;
  if (intervalMs === undefined || storeFile === '') {
    throw invalid(
      'backup.auto.store and backup.auto.interval go together',
      'Set the file that says where backups go, and how often, as in 1h.',
    );
  }
  return {
    intervalMs,
    storeFile,
    compress: text('backup.auto.compress') === 'true',
    vacuum: text('backup.auto.vacuum') === 'true',
    readBack: text('backup.auto.readBack') === 'true',
    keep: {
      count: Number(text('backup.auto.keep')),
      ageMs: durationMsOf(text('backup.auto.keepFor')),
    },
  };
};

/** Undefined: a new cluster begins empty. @throws CodedError `config_invalid` */
export const restoreConfigFrom = (text: (key: string) => string): RestoreConfig | undefined => {
  const [path, storeFile, name] = [
    text('restore.auto.file'),
    text('restore.auto.store'),
    text('restore.auto.name'),
  ];
  if (path !== '' && storeFile !== '') {
    throw invalid('restore.auto.file and restore.auto.store are both set', 'Set one of them.');
  }
  if (name !== '' && storeFile === '') {
    throw invalid('restore.auto.name is set without restore.auto.store', 'Set the store, too.');
  }
  const continues = text('restore.auto.onFailure') === 'continue';
  if (path !== '') return { from: { kind: 'file', path }, continues };
  if (storeFile === '') return undefined;
  const from = { kind: 'store', storeFile, name: name === '' ? undefined : name } as const;
  return { from, continues };
};

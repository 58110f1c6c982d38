// What backups a store holds, and which of them may go. A backup counts when its description is
// there; names say the rest, so that a listing is enough.
import { CodedError } from '#errors.ts';
import {
  type BackupName,
  backupNameFrom,
  clusterInName,
  describedBy,
  manifestNameOf,
} from './backup-name.ts';
import type { BackupStore, StoredObject } from './backup-store.ts';
import { manifestBytesMax } from './bounds.ts';
import { type Manifest, manifestFrom } from './manifest.ts';

/** A whole backup in a store. */
export interface ListedBackup extends BackupName {
  readonly name: string;
  readonly bytes: number;
}

/** Whole backups, the newest first. */
export const backupsIn = (objects: readonly StoredObject[]): readonly ListedBackup[] => {
  const described = new Set(objects.flatMap(({ name }) => describedBy(name) ?? []));
  return objects
    .flatMap(({ name, bytes }): readonly ListedBackup[] => {
      const said = described.has(name) ? backupNameFrom(name) : undefined;
      return said === undefined ? [] : [{ ...said, name, bytes }];
    })
    .sort((left, right) => right.takenMs - left.takenMs || right.index - left.index);
};

/** A cluster's backups among all. */
export const ofCluster = (
  backups: readonly ListedBackup[],
  cluster: string,
): readonly ListedBackup[] => backups.filter((backup) => backup.cluster === clusterInName(cluster));

/** How long backups are kept. */
export interface Retention {
  /** At most so many; 0: any number. */
  readonly count: number;
  /** At most so old; undefined: any age. */
  readonly ageMs: number | undefined;
}

/** Whatever was not finished by then will not be. */
const unfinishedMsMax = 24 * 3_600_000;

/**
 * Names of this cluster that may go, in the order of removal: a description before its backup, so
 * that no half of one is ever taken for a whole. The newest backup never goes.
 */
export const namesToRemove = (
  objects: readonly StoredObject[],
  cluster: string,
  { count, ageMs }: Retention,
  nowMs: number,
): readonly string[] => {
  const [newest, ...older] = ofCluster(backupsIn(objects), cluster);
  if (newest === undefined) return [];
  const tooMany = count === 0 ? [] : older.slice(count - 1);
  const tooOld = older.filter(({ takenMs }) => ageMs !== undefined && nowMs - takenMs > ageMs);
  const whole = new Set([newest, ...older].map(({ name }) => name));
  const unfinished = objects.flatMap(({ name }) => {
    const said = backupNameFrom(name);
    const own = said?.cluster === clusterInName(cluster) && !whole.has(name);
    return own && nowMs - said.takenMs > unfinishedMsMax ? [name] : [];
  });
  const gone = new Set([...tooMany, ...tooOld].map(({ name }) => name));
  return [...[...gone].flatMap((name) => [manifestNameOf(name), name]), ...unfinished];
};

/** The description of a backup. @throws CodedError `store_failed`, `backup_invalid` */
export const readManifest = async (store: BackupStore, name: string): Promise<Manifest> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of store.get(manifestNameOf(name))) {
    bytes += chunk.length;
    if (bytes > manifestBytesMax) break;
    chunks.push(chunk);
  }
  return manifestFrom(name, Buffer.concat(chunks).toString('utf8'));
};

/**
 * The backup of that name; without one the newest, if all are of one cluster.
 *
 * @throws CodedError `not_found`
 */
export const chosenBackup = (
  objects: readonly StoredObject[],
  wanted: string | undefined,
  where: string,
): ListedBackup => {
  const backups = backupsIn(objects);
  const found = wanted === undefined ? backups[0] : backups.find(({ name }) => name === wanted);
  if (found === undefined) {
    const what = wanted === undefined ? 'no backup' : `no backup ${wanted}`;
    throw new CodedError('not_found', `there is ${what} in ${where}`, {
      hint: 'See what is there: stockade backups --store FILE',
    });
  }
  const clusters = new Set(backups.map(({ cluster }) => cluster));
  if (wanted === undefined && clusters.size > 1) {
    throw new CodedError('not_found', `${where} holds backups of ${clusters.size} clusters`, {
      hint: 'Say which: stockade backups --store FILE shows their names.',
    });
  }
  return found;
};

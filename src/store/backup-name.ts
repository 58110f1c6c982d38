// What a backup is called in a store: when it was taken, of which cluster, at which entry. The name
// says whose it is, so that clusters may share a store and none removes what is another's.

/** What a name says. */
export interface BackupName {
  /** When it was taken, UTC, whole seconds, milliseconds since 1970. */
  readonly takenMs: number;
  /** The first eight digits of the cluster's id. */
  readonly cluster: string;
  /** The last entry that it holds. */
  readonly index: number;
  readonly compressed: boolean;
}

const pattern =
  /^stockade-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([0-9a-f]{8})-(\d{1,16})\.sqlite(\.gz)?$/;

/** The part of a cluster's id that stands in names. */
export const clusterInName = (cluster: string): string => cluster.replaceAll('-', '').slice(0, 8);

/** The name of a backup; names of one cluster sort by time. */
export const backupNameOf = ({ takenMs, cluster, index, compressed }: BackupName): string => {
  const time = `${new Date(takenMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  return `stockade-${time}-${cluster}-${index}.sqlite${compressed ? '.gz' : ''}`;
};

/** Undefined for what is no name of a backup. */
export const backupNameFrom = (name: string): BackupName | undefined => {
  const found = pattern.exec(name);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, cluster = '', index, gz] = found;
  const takenMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(takenMs)) return undefined;
  return { takenMs, cluster, index: Number(index), compressed: gz !== undefined };
};

const manifestSuffix = '.json';

/** The name of a backup's description. */
export const manifestNameOf = (name: string): string => name + manifestSuffix;

/** The backup that a description is of; undefined for another name. */
export const describedBy = (name: string): string | undefined =>
  name.endsWith(manifestSuffix) &&
  backupNameFrom(name.slice(0, -manifestSuffix.length)) !== undefined
    ? name.slice(0, -manifestSuffix.length)
    : undefined;

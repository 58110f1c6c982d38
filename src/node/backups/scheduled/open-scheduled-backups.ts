// From settings to scheduled backups.
import type { Alarms } from '#node/alarms.ts';
import { type NodeConfig, processEnvironment } from '#node/config.ts';
import type { FolderIdentity } from '#node/identity-file.ts';
import type { Logger } from '#node/logger.ts';
import type { NodeEffects } from '#node/node-effects.ts';
import { version } from '#node/version.ts';
import { readStoreSettings, type StoreSettings } from '#store/store-settings.ts';
import { ScheduledBackups } from './scheduled-backups.ts';

/** What they are opened with. */
export interface OpenScheduledOptions {
  readonly config: NodeConfig;
  readonly effects: NodeEffects;
  readonly identity: FolderIdentity;
  readonly log: Logger;
  readonly alarms: Alarms;
  readonly mayRun: () => boolean;
  readonly monotonicMs: () => number;
}

/** Undefined: none are configured. @throws CodedError `config_invalid`, `file_permissions` */
export const openScheduledBackups = (
  options: OpenScheduledOptions,
): ScheduledBackups | undefined => {
  const { config, effects, identity, log, alarms, mayRun, monotonicMs } = options;
  if (config.backup === undefined) return undefined;
  const { storeFile, intervalMs, compress, vacuum, readBack, keep } = config.backup;
  const store = (): StoreSettings =>
    readStoreSettings(storeFile, processEnvironment(), effects.files);
  const { name: node, cluster } = identity;
  return new ScheduledBackups({
    store,
    task: {
      folder: config.node.data,
      ...{ cluster, node, version, compress, vacuum, readBack, keep, intervalMs },
    },
    ...{ alarms, log, mayRun, monotonicMs },
    wallMs: () => effects.clock.wallMs(),
  });
};

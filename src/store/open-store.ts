// From settings to a store, with the time and chance of this machine.
import type { FileSystem } from '#io/file-system.ts';
import type { BackupStore } from './backup-store.ts';
import { openFolderStore } from './folder-store.ts';
import { openS3Store } from './s3-store.ts';
import type { StoreSettings } from './store-settings.ts';

/** Opens a store; nothing is asked yet. `signal` ends all that it does. */
export const openStore = (
  settings: StoreSettings,
  files: FileSystem,
  signal: AbortSignal,
): BackupStore => {
  if (settings.kind === 'folder') return openFolderStore(settings.path, files);
  return openS3Store(settings, {
    wallMs: () => Date.now(),
    random: () => Math.random(),
    wait: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    signal,
  });
};

/** For people and logs. */
export const describeStore = (settings: StoreSettings): string =>
  settings.kind === 'folder'
    ? settings.path
    : `s3://${settings.bucket}/${settings.prefix} at ${new URL(settings.endpoint).host}`;

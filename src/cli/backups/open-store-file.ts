// The store that a command is told of with `--store FILE`: the file that nodes have.
import { resolve } from 'node:path';
import type { CommandInput, CommandOption } from '#cli/command.ts';
import { systemFiles } from '#io/file-system.ts';
import { processEnvironment } from '#node/config.ts';
import type { BackupStore } from '#store/backup-store.ts';
import { openStore } from '#store/open-store.ts';
import { readStoreSettings } from '#store/store-settings.ts';

/** Names the file. */
export const storeOption: CommandOption = {
  name: 'store',
  kind: 'text',
  value: 'FILE',
  standard: '',
  meaning: 'file that says where backups are (docs/BACKUPS.md)',
};

/** Works with the store and closes it. @throws CodedError `config_invalid`, `store_failed` */
export const withStore = async <Value>(
  input: CommandInput,
  work: (store: BackupStore) => Promise<Value>,
): Promise<Value> => {
  const path = resolve(input.text('store'));
  const settings = readStoreSettings(path, processEnvironment(), systemFiles);
  const store = openStore(settings, systemFiles, new AbortController().signal);
  try {
    return await work(store);
  } finally {
    store.close();
  }
};

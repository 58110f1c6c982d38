// One process at a time changes an authority folder.
import { join } from 'node:path';
import type { Machine } from './command.ts';
import { secretMode } from './files.ts';
import { GuardRefusal } from './guard-refusal.ts';

/**
 * Runs `action` while no other process changes the folder: a list of revoked certificates made at
 * the same time as a revocation must not miss it. A lock whose process is gone is taken over.
 *
 * @throws GuardRefusal when another process holds the folder
 */
export const whileLocked = <Value>(path: string, machine: Machine, action: () => Value): Value => {
  const { files, isAlive, pid } = machine;
  const lock = join(path, 'lock');
  if (files.stateOf(lock) !== undefined) {
    const holder = Number(files.readText(lock));
    if (Number.isSafeInteger(holder) && holder > 0 && isAlive(holder)) {
      throw new GuardRefusal(
        `process ${holder} is changing ${path}`,
        'wait until it has ended and run the same command again',
      );
    }
    files.remove(lock);
  }
  files.createAll([{ path: lock, text: `${pid}\n`, mode: secretMode }]);
  try {
    return action();
  } finally {
    files.remove(lock);
  }
};

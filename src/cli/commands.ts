// All commands of `stockade`, in the order in which help shows them.
import { auditVerifyCommand } from './audit-command.ts';
import { backupsCommand } from './backups/backups-command.ts';
import { checkCommand } from './check-command.ts';
import { reapCommand, snapshotCommand } from './client/disk-commands.ts';
import { backupCommand, dumpCommand, restoreCommand } from './client/file-commands.ts';
import { killCommand, queriesCommand } from './client/query-commands.ts';
import { admitCommand } from './cluster/admit-command.ts';
import { denyCommand } from './cluster/deny-command.ts';
import { initCommand } from './cluster/init-command.ts';
import { joinCommand } from './cluster/join-command.ts';
import { promoteCommand } from './cluster/promote-command.ts';
import { removeCommand } from './cluster/remove-command.ts';
import { nodesCommand, readyCommand, statusCommand } from './cluster/status-commands.ts';
import { transferCommand } from './cluster/transfer-command.ts';
import type { Command } from './command.ts';
import { importCommand } from './import/import-command.ts';
import { recoverCommand } from './recover/recover-command.ts';
import { runCommand } from './run-command.ts';
import { shellCommand } from './shell/shell-command.ts';
import { upCommand } from './up/up-command.ts';
import { userEditCommands } from './users/edit-commands.ts';
import { userImportCommand } from './users/import-command.ts';
import { userListCommands } from './users/list-commands.ts';
import { userTokenCommands } from './users/token-commands.ts';

/** See the head of this file. */
export const commands: readonly Command[] = [
  upCommand,
  initCommand,
  admitCommand,
  joinCommand,
  runCommand,
  statusCommand,
  nodesCommand,
  readyCommand,
  promoteCommand,
  transferCommand,
  removeCommand,
  recoverCommand,
  denyCommand,
  ...userEditCommands,
  ...userListCommands,
  userImportCommand,
  ...userTokenCommands,
  auditVerifyCommand,
  checkCommand,
  shellCommand,
  backupCommand,
  dumpCommand,
  restoreCommand,
  backupsCommand,
  importCommand,
  snapshotCommand,
  reapCommand,
  queriesCommand,
  killCommand,
];

// The main program of `stockade`: finds the command, runs it, prints what went wrong as what
// happened, why, and what to do.
import { CodedError } from '#errors.ts';
import { version } from '#node/version.ts';
import { commandInputFrom } from './arguments.ts';
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
import { exitCodeOf, exitCodes } from './exit-code.ts';
import { findCommand } from './find-command.ts';
import { commandHelp, groupHelp, programHelp } from './help.ts';
import { importCommand } from './import/import-command.ts';
import { recoverCommand } from './recover/recover-command.ts';
import { runCommand } from './run-command.ts';
import { shellCommand } from './shell/shell-command.ts';
import { upCommand } from './up/up-command.ts';
import { userEditCommands } from './users/edit-commands.ts';
import { userImportCommand } from './users/import-command.ts';
import { userListCommands } from './users/list-commands.ts';
import { userTokenCommands } from './users/token-commands.ts';

const commands: readonly Command[] = [
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

const fail = (error: unknown): number => {
  if (error instanceof CodedError) {
    const hint = error.details.hint === undefined ? '' : `\n  ${error.details.hint}`;
    process.stderr.write(`stockade: ${error.message}${hint}\n`);
    return exitCodeOf(error.code);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`stockade: a fault of this program; please report it\n${text}\n`);
  return exitCodes.failed;
};

const main = async (words: readonly string[]): Promise<number> => {
  const [first] = words;
  if (first === '--version') {
    process.stdout.write(`stockade ${version}\n`);
    return exitCodes.done;
  }
  if (first === undefined || first === '--help' || first === 'help') {
    process.stdout.write(programHelp(commands));
    return first === undefined ? exitCodes.usage : exitCodes.done;
  }
  const found = findCommand(commands, words);
  if (found.kind === 'group') {
    process.stdout.write(groupHelp(found.words, found.commands));
    return words.includes('--help') ? exitCodes.done : exitCodes.usage;
  }
  const { command, rest } = found;
  if (rest.includes('--help')) {
    process.stdout.write(commandHelp(command));
    return exitCodes.done;
  }
  return command.run(commandInputFrom(command, rest));
};

const oldestNodeMajor = 24;
if (Number.parseInt(process.versions.node, 10) < oldestNodeMajor) {
  process.stderr.write(
    `stockade: this is Node.js ${process.versions.node}, ${oldestNodeMajor} or newer is needed\n`,
  );
  process.exit(exitCodes.configuration);
}
process.exitCode = await main(process.argv.slice(2)).catch(fail);

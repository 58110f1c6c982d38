// The program `stockade`: finds the command, runs it, prints what went wrong as what happened, why,
// and what to do.
import { CodedError } from '#errors.ts';
import { version } from '#node/version.ts';
import { commandInputFrom } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodeOf, exitCodes } from './exit-code.ts';
import { findCommand } from './find-command.ts';
import { commandHelp, groupHelp, programHelp } from './help.ts';

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

/** A node starts without loading what it will not do: it is waited for. */
const commandsFor = async (first: string | undefined): Promise<readonly Command[]> =>
  first === 'run'
    ? [(await import('./run-command.ts')).runCommand]
    : (await import('./commands.ts')).commands;

const perform = async (words: readonly string[]): Promise<number> => {
  const [first] = words;
  if (first === '--version') {
    process.stdout.write(`stockade ${version}\n`);
    return exitCodes.done;
  }
  const commands = await commandsFor(first);
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

/** What the command line asks for; resolves to the exit code. */
export const runProgram = (words: readonly string[]): Promise<number> => perform(words).catch(fail);

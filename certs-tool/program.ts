// Runs one command line: finds the command, prints what it reports, turns its errors into three
// sentences (what happened, why, what to do) and an exit status.
import { CodedError, type ErrorCode } from '#errors.ts';
import type { Command, Machine, Report } from './command.ts';
import { caNew } from './command-ca-new.ts';
import { check } from './command-check.ts';
import { inspect } from './command-inspect.ts';
import { client, https, node } from './command-issue.ts';
import { commandHelp, programHelp, programName, typedFrom, usageError } from './command-line.ts';
import { list } from './command-list.ts';
import { renew } from './command-renew.ts';
import { csr, sign } from './command-request.ts';
import { crl, revoke } from './command-revoke.ts';
import { rotate } from './command-rotate.ts';
import { verify } from './command-verify.ts';
import { GuardRefusal } from './guard-refusal.ts';

/** Every command, in the order of a cluster's life. */
const commands: readonly Command[] = [
  caNew,
  node,
  https,
  client,
  csr,
  sign,
  renew,
  revoke,
  crl,
  rotate,
  list,
  inspect,
  verify,
  check,
];

/** Where the program writes, and what it is. */
export interface Surroundings {
  readonly machine: Machine;
  readonly version: string;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

interface Failure {
  readonly code: ErrorCode | 'guard';
  readonly why: string;
  readonly next: string | undefined;
  readonly exit: number;
}

/** Exit statuses other than 1. */
const exits: Partial<Record<ErrorCode, number>> = {
  usage: 2,
  already_exists: 5,
  config_invalid: 78,
  file_permissions: 78,
};

const failureFrom = (error: unknown): Failure => {
  if (error instanceof GuardRefusal) {
    return { code: 'guard', why: error.message, next: error.hint, exit: 5 };
  }
  if (!(error instanceof CodedError)) throw error;
  const { code, message, details } = error;
  return { code, why: message, next: details.hint, exit: exits[code] ?? 1 };
};

const tell = (what: string, failure: Failure, json: boolean, { err }: Surroundings): number => {
  const { code, why, next, exit } = failure;
  if (json) {
    err(JSON.stringify({ error: { code, what, why, next } }));
    return exit;
  }
  err(`${programName}: ${what}`);
  err(`  why: ${why}`);
  if (next !== undefined) err(`  do:  ${next}`);
  return exit;
};

const print = (report: Report, json: boolean, { out, err }: Surroundings): number => {
  if (json) out(JSON.stringify(report.data, undefined, 2));
  else for (const line of report.lines) out(line);
  if (!json) for (const line of report.advice ?? []) err(`note: ${line}`);
  return report.exit ?? 0;
};

const runCommand = (command: Command, words: readonly string[], around: Surroundings): number => {
  const json = words.includes('--json');
  try {
    const typed = typedFrom(command, words);
    if (typed.flag('help')) {
      for (const line of commandHelp(command)) around.out(line);
      return 0;
    }
    return print(command.run(typed, around.machine), json, around);
  } catch (error) {
    return tell(command.failure, failureFrom(error), json, around);
  }
};

const showHelp = (shown: readonly Command[], show: (line: string) => void): void => {
  for (const line of programHelp(shown)) show(line);
};

/** Runs the words after the program's name and returns the exit status. */
export const runProgram = (words: readonly string[], around: Surroundings): number => {
  const [first, second] = words;
  const command = commands.find(({ name }) => name === first || name === `${first} ${second}`);
  if (command !== undefined) {
    return runCommand(command, words.slice(command.name.split(' ').length), around);
  }
  if (first === '--version') {
    around.out(`${programName} ${around.version}`);
    return 0;
  }
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (first === '--help' || (group.length > 0 && second === '--help')) {
    showHelp(group.length > 0 ? group : commands, around.out);
    return 0;
  }
  if (first === undefined) {
    showHelp(commands, around.err);
    return 2;
  }
  const typed = group.length > 0 ? [first, second].filter(Boolean).join(' ') : first;
  const failure = failureFrom(usageError(`there is no command ${JSON.stringify(typed)}`));
  return tell('nothing was done', failure, words.includes('--json'), around);
};

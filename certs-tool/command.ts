// What a command of this program is: a row with its words, its options and one function from what
// was typed to what is reported. Commands decide; program.ts reads and prints.
import type { Files } from './files.ts';
import type { RandomBytes } from './profile.ts';

/** The effects a command may have. */
export interface Machine {
  readonly files: Files;
  readonly now: () => Date;
  readonly randomBytes: RandomBytes;
  /** All of standard input. */
  readonly standardInput: () => string;
  /** Whether a process of this machine lives. */
  readonly isAlive: (pid: number) => boolean;
  readonly pid: number;
}

/** One option of a command. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** What stands for the value in help, for example DIR. */
  readonly value?: string;
  readonly help: string;
}

/** The options of a command by their long name. */
export type OptionTable = Readonly<Record<string, Option>>;

/** What was typed, read by the command's own table. */
export interface Typed {
  /** Name of the command, for pointing at its help. */
  readonly command: string;
  readonly words: readonly string[];
  readonly text: (option: string) => string | undefined;
  readonly texts: (option: string) => readonly string[];
  readonly flag: (option: string) => boolean;
}

/**
 * What a command tells: data on standard output (as lines or as JSON), advice on standard error.
 */
export interface Report {
  readonly data: unknown;
  readonly lines: readonly string[];
  readonly advice?: readonly string[];
  /** Default 0. */
  readonly exit?: 0 | 1;
}

/** A command. */
export interface Command {
  /** One or two words. */
  readonly name: string;
  /** What follows the name, for the usage line. */
  readonly parameters: string;
  readonly summary: string;
  /** One command line that works, without the program's name. */
  readonly example: string;
  /** What has not happened when the command fails. */
  readonly failure: string;
  /** How many words follow the name. */
  readonly words: { readonly min: number; readonly max: number };
  readonly options: OptionTable;
  readonly run: (typed: Typed, machine: Machine) => Report;
}

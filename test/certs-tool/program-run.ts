// Runs the program in this process on real files in a folder of the test's own, with a clock that the
// test sets and randomness that is the same on every run.
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Machine } from '#certs-tool/command.ts';
import { diskFiles } from '#certs-tool/files.ts';
import { runProgram } from '#certs-tool/program.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What a run printed and how it ended. */
export interface Run {
  readonly exit: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** A place to run the program in; the process's working folder is its folder. */
export interface Place {
  readonly run: (...words: readonly string[]) => Run;
  /** Runs what must succeed and gives its JSON. */
  readonly json: (...words: readonly string[]) => unknown;
  readonly machine: Machine;
  now: Date;
  standardInput: string;
}

const countingBytes = (): Machine['randomBytes'] => {
  let count = 0;
  return (size) => {
    count += 1;
    return createHash('sha512').update(String(count)).digest().subarray(0, size);
  };
};

/** One at a time in a process, since the working folder is the process's. */
export const placeFor = (context: TestContext): Place => {
  const before = process.cwd();
  process.chdir(temporaryFolder(context));
  context.after(() => process.chdir(before));
  const machine: Machine = {
    files: diskFiles,
    now: () => place.now,
    randomBytes: countingBytes(),
    standardInput: () => place.standardInput,
    isAlive: (pid) => pid === 4711,
    pid: 42,
  };
  const run = (...words: readonly string[]): Run => {
    const [out, err]: [string[], string[]] = [[], []];
    const exit = runProgram(words, {
      machine,
      version: '1.2.3',
      out: (line) => out.push(line),
      err: (line) => err.push(line),
    });
    return { exit, out, err };
  };
  const place: Place = {
    run,
    json: (...words) => {
      const { exit, out, err } = run(...words, '--json');
      if (exit !== 0) throw new Error(err.join('\n'));
      return JSON.parse(out.join('\n'));
    },
    machine,
    now: new Date('2026-06-01T12:00:00Z'),
    standardInput: '',
  };
  return place;
};

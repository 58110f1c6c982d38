// Runs the program in this process on real files in a folder of the test's own, with a clock
// that the test sets and randomness that is the same on every run.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
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

/** Text of a file in the working folder. */
export const text = (path: string): string => readFileSync(path, 'utf8');
/** The cluster of settled places. */
export const cluster = '0123456789abcdef0123456789abcdef';

/** A place with an authority and node n1 in certs/n1. */
export const settled = (context: TestContext): Place => {
  const place = placeFor(context);
  assert.equal(place.run('ca', 'new', '--cluster', cluster).exit, 0);
  assert.equal(place.run('node', 'n1', '--host', 'n1.lan').exit, 0);
  return place;
};

/** Exit status, code and reason of what must fail. */
export const failure = (place: Place, ...words: readonly string[]) => {
  const { exit, err } = place.run(...words, '--json');
  const { error }: { error?: { code: string; why: string } } = JSON.parse(err.join('\n'));
  return { exit, code: error?.code, why: error?.why ?? '' };
};

/** Codes of the problems that verify finds in a folder. */
export const problemsIn = (place: Place, folder: string): string[] => {
  const { exit, out } = place.run('verify', folder, '--json');
  const findings: { problems: { code: string }[] }[] = JSON.parse(out.join('\n'));
  const codes = findings.flatMap(({ problems }) => problems.map(({ code }) => code));
  assert.equal(exit, codes.length === 0 ? 0 : 1);
  return codes.sort();
};

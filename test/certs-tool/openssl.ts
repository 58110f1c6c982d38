// The openssl command line, a second opinion that shares no code with this project. Tests that need
// it are skipped, and say so, on a machine without it.
import { spawnSync } from 'node:child_process';

const command = 'openssl';

/** What a run of openssl said. */
export interface Answer {
  readonly status: number | null;
  readonly text: string;
}

/** Runs openssl; standard output and standard error come back as one text. */
export const openssl = (...words: readonly string[]): Answer => {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}` };
};

/** For a test's `skip`: false when openssl is there, else the reason. */
export const withoutOpenssl =
  openssl('version').status === 0 ? false : 'no openssl command on this machine';

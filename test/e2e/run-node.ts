// A node that a test starts and stops by itself, beside a cluster that leaves dead nodes dead.
import { type ChildProcess, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { eventually, program } from './cluster.ts';

/** Starts the node of a configuration; it ends with the test. */
export const startNode = (
  t: TestContext,
  config: string,
  stderr: 'ignore' | 'pipe' = 'ignore',
): ChildProcess => {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, 'run', '--config', config],
    { stdio: ['ignore', 'ignore', stderr], env: { PATH: '/usr/bin:/bin' } },
  );
  t.after(() => child.kill('SIGKILL'));
  return child;
};

/** Ends it with a signal and waits until it is gone. */
export const ended = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
};

/** Ends a process that somebody else started and waits until it is gone. */
export const endedPid = async (pid: number, signal: NodeJS.Signals): Promise<void> => {
  process.kill(pid, signal);
  await eventually(`process ${pid} is gone`, () => {
    try {
      process.kill(pid, 0);
      return Promise.resolve(false);
    } catch {
      return Promise.resolve(true);
    }
  });
};

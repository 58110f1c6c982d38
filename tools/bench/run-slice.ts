// Runs one slice of load in a process of its own and reads the servers' CPU clocks around it.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { cpuMicrosecondsOf } from './process-tree.ts';
import type { FromLoad, SliceJob, SliceResult, ToLoad } from './slice.ts';

/** A slice's result and what it cost the servers. */
export interface MeasuredSlice extends SliceResult {
  /** CPU microseconds of all server processes; undefined when none are known. */
  readonly cpuMicroseconds: number | undefined;
}

/**
 * Runs a slice; connections are made before the clocks start.
 *
 * @param pids roots of the servers' process trees
 * @throws Error when no connection can be made or the load process dies
 */
export const runSlice = (job: SliceJob, pids: readonly number[]): Promise<MeasuredSlice> =>
  new Promise((done, failed) => {
    const child = fork(join(import.meta.dirname, 'load-main.ts'), {
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const tell = (message: ToLoad): void => {
      child.send(message);
    };
    let before: number | undefined;
    child.on('message', (message: FromLoad) => {
      if (message.kind === 'connected') {
        before = cpuMicrosecondsOf(pids);
        tell({ kind: 'go' });
      } else if (message.kind === 'done') {
        const after = cpuMicrosecondsOf(pids);
        const cpuMicroseconds =
          before === undefined || after === undefined ? undefined : after - before;
        done({ ...message.result, cpuMicroseconds });
      } else {
        failed(new Error(`no connection to ${job.host}:${job.port}: ${message.reason}`));
        child.kill();
      }
    });
    child.on('error', failed);
    child.on('exit', (code) => failed(new Error(`the load process ended with ${code}`)));
    tell({ kind: 'job', job });
  });

// A process that crashes must not leave its memory on a disk: keys and passwords are in it. Node
// cannot set its own limits, so another program does; what is started later inherits them.
import { spawnSync } from 'node:child_process';

/** Of util-linux; by its full path, so that no folder of a search path is asked. */
const prlimit = '/usr/bin/prlimit';
const timeoutMs = 5000;

/** For this process and all that it starts from now on; false: this machine has no way to. */
export const forbidCoreFiles = (): boolean => {
  const words = [`--pid=${process.pid}`, '--core=0:0'];
  return spawnSync(prlimit, words, { stdio: 'ignore', timeout: timeoutMs }).status === 0;
};

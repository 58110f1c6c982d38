// The thread of orphan-guard.ts: looks whether the parent is still the one it was.
import { workerData } from 'node:worker_threads';

const lookEveryMs = 250;

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL');
}, lookEveryMs);

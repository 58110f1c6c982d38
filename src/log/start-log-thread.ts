// Starts the log thread, which loads its program and waits for what `openDurableLog` tells it.
import type { Worker } from 'node:worker_threads';
import { startThread } from '#io/start-thread.ts';

/** A thread that has opened nothing yet. It keeps the process alive until it is ended. */
export const startLogThread = (): Worker =>
  startThread(new URL('./log-thread.ts', import.meta.url), { name: 'raft-log' });

// Ends this process when the node that started it is gone, even while SQLite keeps the main thread
// busy for ever: an orphan that is stuck holds the lock of the data folder, and the node could not
// be started again. (The closed pipe ends everybody else; it is read by the main thread.)
import { startThread } from '#io/start-thread.ts';

/** Starts the guard; it does not keep the process alive. */
export const endWithParent = (): void => {
  startThread(new URL('./orphan-guard-thread.ts', import.meta.url), {
    workerData: process.ppid,
    name: 'orphan-guard',
  }).unref();
};

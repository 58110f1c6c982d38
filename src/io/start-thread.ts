// Starts threads. A thread does not have its process's cache of compiled code, and the sources of
// its program would be stripped of their types anew: it asks for the cache first, in plain
// JavaScript.
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { codeCacheEnvironment } from './code-cache.ts';

/**
 * @param program the file of the thread's program
 * @returns a thread with an empty environment, which keeps the process alive until it ends
 */
export const startThread = (
  program: URL,
  options: Pick<WorkerOptions, 'name' | 'workerData'>,
): Worker => {
  const cache = JSON.stringify(codeCacheEnvironment.NODE_COMPILE_CACHE);
  const text = `const { enableCompileCache, flushCompileCache } = require('node:module');
enableCompileCache(${cache});
import(${JSON.stringify(program.href)}).then(() => flushCompileCache());`;
  return new Worker(text, { ...options, eval: true, env: {} });
};

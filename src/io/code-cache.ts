// Compiled code of this program, kept between starts: without it every process of a node strips the
// types of its sources and compiles them anew, which was 0.6 s of a start of 1.4 s.
//
// It lies beside the program, never in the data folder or where the environment says: whoever
// writes it runs code in the next process, so only who can write the program itself may. Where the
// program's folder cannot be written (a package that root installed) there is none, which is no
// error.
import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../../build/code-cache', import.meta.url));

/** The variable that gives the cache to a child before it loads anything. */
export const codeCacheEnvironment = { NODE_COMPILE_CACHE: path } as const;

/** For what this process loads from now on. */
export const useCodeCache = (): void => {
  enableCompileCache(path);
};

/** How long after a start everything that a start needs has been compiled. */
const compiledMs = 3000;

/** Writes it down once: a process that ends by SIGKILL would not. */
export const keepCodeCache = (): void => {
  setTimeout(flushCompileCache, compiledMs).unref();
};

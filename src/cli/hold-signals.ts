// Ctrl-C and the like wait for work that must not be left half done and takes a moment only.
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `work`, which must be synchronous; a signal that comes meanwhile acts behind it, as it would
 * have: on whoever listens by then, else it ends the process.
 */
export const whileSignalsWait = (work: () => void): void => {
  const act = (signal: NodeJS.Signals): void => {
    process.removeListener(signal, act);
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, act);
  try {
    work();
  } finally {
    // What came is handed out before the next immediate.
    setImmediate(() => {
      for (const signal of signals) process.removeListener(signal, act);
    });
  }
};

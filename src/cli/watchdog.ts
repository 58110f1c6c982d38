// Tells systemd's watchdog that the node's loop turns (sd_watchdog_enabled(3)). It is fed only for
// turns of the loop that ticks, logs and votes: timers that still fire prove nothing, and systemd
// ends and starts anew what is silent for too long.

/** What it needs of the process. */
export interface WatchdogOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** How often the node's loop went round so far. */
  readonly turns: () => number;
  readonly feed: () => void;
}

/**
 * How often to feed it, milliseconds: half of what systemd waits. Undefined: nobody asked for it,
 * or asked another process.
 */
export const watchdogEveryMs = (
  environment: WatchdogOptions['environment'],
  pid: number,
): number | undefined => {
  const { WATCHDOG_USEC: microseconds = '', WATCHDOG_PID: meant = '' } = environment;
  if (!/^[1-9]\d{0,15}$/.test(microseconds)) return undefined;
  if (meant !== '' && meant !== String(pid)) return undefined;
  return Math.max(1, Math.floor(Number(microseconds) / 2000));
};

/** One look: feeds when the loop went round since the last one. */
export const watchdogLook = ({
  turns,
  feed,
}: Pick<WatchdogOptions, 'turns' | 'feed'>): (() => void) => {
  let seen = turns();
  return () => {
    const now = turns();
    if (now === seen) return;
    seen = now;
    feed();
  };
};

/** Feeds it until the process ends, when systemd asked for that. */
export const startWatchdog = (options: WatchdogOptions): void => {
  const everyMs = watchdogEveryMs(options.environment, options.pid);
  if (everyMs === undefined) return;
  // The longest that a timer takes; nobody waits for 24 days.
  setInterval(watchdogLook(options), Math.min(everyMs, 2 ** 31 - 1)).unref();
};

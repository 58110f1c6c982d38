// How scheduled backups pace themselves; docs/LIMITS.md has the numbers too.

/** A new leader lets its cluster settle first. */
export const settleMs = 2000;
/** Behind a failure: doubled each time, up to the second or the interval. */
export const retryMsMin = 60_000;
export const retryMsMax = 3_600_000;
/** Whether it is time is looked at this often. */
export const lookEveryMs = 1000;
/** A backup that takes longer is given up: 100 GB at 3 MB/s. */
export const backupMsMax = 12 * 3_600_000;

// How periodic maintenance is held in; docs/LIMITS.md has the numbers too.

const mib = 1024 * 1024;

/**
 * A larger database is left alone: all nodes stand still while they copy or read all of it, about a
 * second for a hundred megabytes.
 */
export const maintainedBytesMax = 256 * mib;
/** Whether it is time is looked at this often, by the leader. */
export const lookEveryMs = 1000;
/** Behind one that was refused or lost. */
export const againMs = 60_000;

// The bounds of talking to a store of backups; docs/LIMITS.md has them too.

const mib = 1024 * 1024;

/** One request holds so much of a backup in memory; larger backups go in parts of at least this. */
export const partBytesMin = 8 * mib;
/** S3 takes no more parts of one object; with the largest part that is 640 GB. */
export const partsMax = 10_000;
export const partBytesMax = 64 * mib;
/** Largest listing page, error or other answer that is read as text. */
export const answerBytesMax = 2 * mib;
/** Pages of a listing, a thousand names each. */
export const listPagesMax = 100;
/** Nothing moves on a connection for this long: it is given up. */
export const silenceMsMax = 30_000;
/** One request, however it moves: a part of 64 MiB at 1 Mbit/s. */
export const requestMsMax = 10 * 60_000;
/**
 * Attempts of one request, and the pause behind the first; it doubles, plus up to as much again.
 */
export const attemptsMax = 4;
export const retryPauseMs = 500;
/** What a backup's description may have. */
export const manifestBytesMax = 64 * 1024;
/** A file with the particulars of a store. */
export const storeFileBytesMax = 64 * 1024;

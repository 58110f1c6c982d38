// Bounds of loading a database file.

/** Pages of every database here, bytes: whatever those of the file were. */
export const pageBytes = 4096;

/**
 * Sizes of the file that must be free on the disk of the node that takes it in: the file, what
 * becomes of it, the pieces in log, write-ahead log and database, and the new database.
 */
export const loadTimes = 6;

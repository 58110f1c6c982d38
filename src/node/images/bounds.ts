// Bounds of sending and taking images, each with its reason.

/**
 * Images on their way out at once: each costs the leader a process, CPU and a share of its link.
 */
export const imagesOutMax = 2;

/** Making an image of a very large database on a slow disk; beyond it something hangs. */
export const makeDeadlineMs = 30 * 60_000;

/**
 * Waits before a follower that did not take an image is sent another one, doubling: each costs a
 * copy of the database.
 */
export const retryFirstMs = 1000;
export const retryMaxMs = 60_000;

/** A process that was let go of cleans up after itself; by then it is killed. */
export const cleanUpMs = 60_000;

/** The processes of images stand back behind everything that answers requests (nice value). */
export const processNiceness = 10;

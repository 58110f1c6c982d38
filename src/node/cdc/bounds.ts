// Bounds of the webhook, with their reasons.

/** A sender looks so many bytes of events ahead; one entry has 3 MiB at most by itself. */
export const aheadBytesMax = 1024 * 1024;

/** An answer is read so far: a receiver has nothing to say that is of use. */
export const answerBytesMax = 64 * 1024;

/** Of a file with a key or a token. */
export const secretBytesMax = 4096;

/** So many failures in a row are an alarm; fewer are a receiver that restarts. */
export const failuresBeforeAlarm = 3;

/** A sender that ended by itself is started again behind this pause, milliseconds. */
export const restartPauseMs = 1000;

/** A sender that is let go of ends at once; by then it is killed, milliseconds. */
export const senderGraceMs = 2000;

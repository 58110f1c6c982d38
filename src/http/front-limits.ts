// Bounds of the front that are not settings, each with its unit and reason. Bounds that other rooms
// share are in limits.ts.

/** Parameters in one query string; the longest honest request has ten. */
export const queryKeysMax = 64;

/**
 * A request that needs the leader waits so long for one, and is sent again so long as nothing was
 * done: an election takes about a second, a hand-over that fails and is begun anew two.
 */
export const leaderWaitMs = 3000;
/** Between two tries of a request that was refused because leadership changes hands. */
export const leaderAgainMs = 40;
/**
 * A front that stops closes connections on which nothing was asked for so long: a client that is
 * about to ask gets an answer and learns from it that the connection ends.
 */
export const idleConnectionMs = 250;
/** Requests waiting for a leader at once; beyond it they are told at once that there is none. */
export const leaderWaitersMax = 1024;
/** How often those that wait look again; the node pushes its view every 20 ms. */
export const leaderLookMs = 20;

/** Requests under way that a front shows: enough to find the ones that run long. */
export const runningShownMax = 500;

/** Verdicts kept: texts of real applications number hundreds. */
export const verdictsMax = 10_000;
/** Characters of texts kept with their verdicts (16 MiB at two bytes each). */
export const verdictCharactersMax = 8 * 1024 * 1024;
/** A longer text is a one-off (a dump, a bulk with its values inside). */
export const verdictTextCharactersMax = 16 * 1024;
/** Judging new texts takes microseconds each; this covers a reader's restart. */
export const judgeDeadlineMs = 10_000;

/** Proposals of one request while the schema keeps changing under it, then 409. */
export const schemaAttemptsMax = 4;

/** How long a write may take from proposal to result before its fate is called unknown. */
export const proposeDeadlineMs = 30_000;

/** Seconds after which a client that was turned away for load should try again. */
export const retryAfterSeconds = 1;

/**
 * Handshakes begun in one turn of the loop: three milliseconds of computing between two looks at
 * what is connected already.
 */
export const handshakesPerTurn = 2;

/**
 * Requests of one connection taken up in one turn of the loop; more at once is no client that waits
 * for answers.
 */
export const pipelinedPerTurnMax = 64;

/** How often connections are checked for requests that take too long to arrive. */
export const connectionCheckMs = 1000;
/**
 * A connection on which nothing moved is closed after this, or this much after the longest wait.
 */
export const socketIdleMsMin = 120_000;
export const idleReserveMs = 10_000;

/** Answers smaller than this are in the kernel's hands at once and are not counted. */
export const largeAnswerBytes = 64 * 1024;
/**
 * A large answer must be taken at this rate at least, after the grace; a bad radio link does it.
 */
export const answerBytesPerSecondMin = 32 * 1024;
export const answerGraceMs = 10_000;
/** How often large answers are looked at. */
export const answerLookMs = 1000;

/** Bodies of queued writes held at once. */
export const queueBytesMax = 16 * 1024 * 1024;
/** One batch: as much as an ordinary request may bring; a larger write goes alone. */
export const queueBatchBytesMax = 1024 * 1024;
/** How long a request waits for room in a full queue before it is told that there is none. */
export const queueFullWaitMs = 1000;
/** Requests that wait for room at once; their bodies count among the requests in work. */
export const queueWaitersMax = 1024;
/** A batch is tried again this often while no leader takes it, and so long at most. */
export const queueRetryMs = 250;
export const queueRetryMsMax = 30_000;
/** What is still being written when the grace of a stop is over has so much longer. */
export const queueLastTryMs = 500;
/** How long the leader has for one batch. */
export const queueRunTimeoutMs = 30_000;
/** Failures that `/status` shows. */
export const queueFailuresKept = 16;

/** One step of a load: a node may be busy with the file of the step before. */
export const loadStepDeadlineMs = 60_000;
/** A step that was not done for want of a leader, or that nobody knows of, is sent again. */
export const loadRetryMs = 100;
/** So long no step has to get through before a load is given up. */
export const loadRetryMsMax = 60_000;
/** A gigabyte is checked, sent and taken into use in some minutes; meanwhile no byte moves. */
export const loadAnswerMsMax = 15 * 60_000;
/** A body to load has this long, then it must come at this rate; and never longer than that. */
export const loadBodyGraceMs = 30_000;
export const loadBodyBytesPerSecondMin = 64 * 1024;
export const loadBodyMsMax = 5 * 3_600_000;

/** Streams of changes on a front, and of one user there: each polls a reader again and again. */
export const changeStreamsMax = 64;
export const changeStreamsPerUserMax = 16;

/** No further entry is begun in one part of a stream; one entry has 3 MiB at most by itself. */
export const changesBytesPerPoll = 512 * 1024;

/** A stream looks that often whether it is still wanted, milliseconds. */
export const changesPollMs = 1000;

/** A quiet stream says that it lives, before proxies cut it. */
export const changesKeepAliveMs = 15_000;

// Every bound that is not a setting, with its unit in the name and its reason beside it. Bounds
// that an operator can set have their default here and their key in the configuration table.

const kib = 1024;
const mib = 1024 * kib;

/**
 * Largest frame between processes of one node and between nodes: an 8 MiB batch and its envelope.
 */
export const frameBytesMax = 16 * mib;

/** Largest frame before the other side is known to be a node of this cluster: a hello is small. */
export const helloBytesMax = 4 * kib;

/** Proposals waiting for the log in the node: beyond it `queue_full`, nothing applied. */
export const proposalQueueBytesMax = 8 * mib;
export const proposalQueueCommandsMax = 4096;

/** Appended but uncommitted bytes a leader holds before it refuses proposals. */
export const uncommittedBytesMax = 16 * mib;

/** Committed but not yet applied: beyond either the leader takes no proposals. */
export const unappliedBytesMax = 64 * mib;
export const unappliedEntriesMax = 10_000;

/** Frames and bytes on their way to the writer. */
export const writerFramesInFlightMax = 64;
export const writerBytesInFlightMax = 8 * mib;

/** Bytes a write may make out of little (numbers, parameters) without being tried out first. */
export const amplifiedBytesMax = mib;

/** Request bodies and results a front holds at once. */
export const frontInFlightBytesMax = 32 * mib;
export const resultBytesInFlightMax = 32 * mib;

/**
 * A database file that is loaded. Each node holds the server's writes up for about a second per
 * hundred MiB when it takes its place.
 */
export const loadFileBytesMax = 1024 * mib;
/** SQL text that is loaded: it is judged as a whole. */
export const loadTextBytesMax = 8 * mib;
/** One file of the web console, which a front keeps in memory; the largest has 10 KiB. */
export const consoleFileBytesMax = 256 * 1024;

/** One request body on /db/ routes (default; `http.limits.bodyBytes`). */
export const bodyBytesMax = 1 * mib;
/** Nesting of a JSON body: a parameter is at depth 3. */
export const jsonDepthMax = 64;
export const statementsMax = 10_000;
/** SQLite's own SQLITE_MAX_VARIABLE_NUMBER. */
export const parametersMax = 32_766;
export const statementBytesMax = 1 * mib;

/**
 * A result: an error beyond either, never a cut result (defaults of `db.rowsMax`, `db.bytesMax`).
 */
export const rowsMax = 1_000_000;
export const resultBytesMax = 16 * mib;

/** How long one read may run before its reader is killed (default of `db.statementDeadlineMs`). */
export const statementDeadlineMs = 30_000;

/** HTTP: what a connection may cost. */
export const headerBytesMax = 16 * kib;
export const headersMax = 100;
export const headersTimeoutMs = 10_000;
export const requestTimeoutMs = 30_000;
export const keepAliveTimeoutMs = 10_000;
export const requestsPerSocketMax = 100_000;
export const connectionsMax = 10_000;
/** Connections of one address to a front on which nobody has proved a name yet. */
export const connectionsUnprovedPerAddressMax = 512;
export const urlBytesMax = 8 * kib;

/** TLS: a handshake that is not over by then is closed. */
export const handshakeTimeoutMs = 5000;
/** Sockets of the peer port in all and from one address before a peer has identified itself. */
export const peerConnectionsMax = 256;
export const peerConnectionsPerAddressMax = 64;

/**
 * What is remembered of requests under an idempotency key: for an hour by the time of the log, and
 * at most so much; then the oldest go. Part of what a command does: changing one needs a new format
 * of commands, or replicas of two versions would differ.
 */
export const keptMs = 3_600_000;
export const keptRowsMax = 1_000_000;
/** About 200,000 requests of one statement. */
export const keptBytesMax = 64 * mib;

/**
 * Interactive transactions. One holds no lock and blocks nobody, so it may stay open while a person
 * or a slow client thinks; what it costs is memory of the leader and the work to run it again.
 */
export const transactionIdleMs = 30_000;
export const transactionTotalMs = 120_000;
export const transactionStatementsMax = 100;
/** Time of the leader's writer that all statements of one may take, each time they are run. */
export const transactionWriterMs = 250;
/** A run that takes longer ends the writer's process: nothing else stops a statement. */
export const transactionRunMs = 500;
/** Share of the writer's time, in hundredths, and of its own time that may be used at once. */
export const transactionSharePercent = 30;
export const transactionBurstMs = 250;
/** Open at once: of one user, and at a leader. */
export const transactionsPerUserMax = 64;
export const transactionsMax = 256;
/** Encoded statements of one, and of all; they are run again and become one entry of the log. */
export const transactionBytesMax = mib;
export const transactionsBytesMax = 32 * mib;
/** Results of one request in a transaction. */
export const transactionResultBytesMax = mib;
/** Requests whose failure its client saw; each is tried again at the commit. */
export const transactionFailuresMax = 10;
/** How long a commit may hold up proposals before it gives way; it may be sent again. */
export const transactionHoldMs = 1000;
/** Runs and commits that wait for a turn at a leader; and how long, less than a front waits. */
export const transactionTurnsMax = 256;
export const transactionTurnMs = 10_000;
/**
 * Committed transactions that are remembered, so that a commit may be sent again: for `keptMs` by
 * the time of the log, and so many (about 12 MiB). Part of what a command does: see `keptMs`.
 */
export const endedTransactionsMax = 100_000;

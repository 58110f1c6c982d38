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

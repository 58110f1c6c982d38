// The transport's bounds, each with its reason. What several folders share is in #limits.ts.

const kib = 1024;
const mib = 1024 * kib;

/**
 * A hello that has not arrived this long after the handshake will not: it is the first thing sent.
 */
export const helloTimeoutMs = 5000;
/** The engine's fingerprint in a hello, so that the whole stays far below `helloBytesMax`. */
export const engineBytesMax = 512;
/** host:port in a hello: a host name has at most 253 bytes. */
export const addressBytesMax = 300;
/** A refusal's reason: one sentence. */
export const reasonBytesMax = 512;

/**
 * Largest frame on a heartbeat connection: votes and heartbeats name two nodes and hold numbers. A
 * frame that could delay them has no business there.
 */
export const heartbeatFrameBytesMax = 1 * kib;

/** How often timeouts are looked at; each of them is coarse by this much. */
export const upkeepIntervalMs = 250;
/** Says "alive" on a connection on which nothing else was said for this long. */
export const aliveAfterMs = 1000;
/**
 * A connection on which nothing arrived for this long is dead: a partition leaves TCP waiting for
 * minutes, its own retries back off. Five signs of life in a row are lost then.
 */
export const silenceMaxMs = 5000;
/** A frame must be complete within this time: the largest one at 2 Mbit/s. */
export const frameTimeoutMs = 60_000;

/**
 * Bytes a bulk connection may have waiting before more is dropped: two of the largest frames. Raft
 * sends again, and what waits longer is stale by the time it arrives.
 */
export const bulkUnsentBytesMax = 32 * mib;
/** The same for heartbeats: thousands of them; beyond it the peer is not listening. */
export const heartbeatUnsentBytesMax = 256 * kib;

/** Calls waiting for their reply on one connection, in each direction. */
export const outstandingCallsMax = 4096;
/** How often deadlines of calls are looked at while there are any. */
export const callDeadlineIntervalMs = 20;

/** Waits between attempts to reach a peer, doubling; the first retry is immediate. */
export const redialFirstMs = 50;
export const redialMaxMs = 2000;
/** Different reasons told while one peer is down; there are not many, but some name ports. */
export const reasonsToldMax = 16;
/** A TCP connection and its handshake must be done by then. */
export const dialTimeoutMs = 5000;
/** How long a name may take to be resolved. */
export const resolveTimeoutMs = 3000;

/**
 * Accepted connections that have not identified themselves, in all: half of the port's total, so
 * that a flood never takes the place of known peers.
 */
export const unidentifiedConnectionsMax = 128;
/**
 * Handshakes begun per second, in all and for one address: 400 would fill a core. A whole cluster
 * on one machine that starts at once stays below the second.
 */
export const acceptsPerSecondMax = 200;
export const acceptsPerAddressPerSecondMax = 100;

/**
 * A link that is up outlives its peer's certificate by this much: expiry must not stop a cluster.
 */
export const expiryGraceMs = 24 * 3600 * 1000;

/** Bytes of an image in one frame: a fraction of a second on any link worth the name. */
export const imageChunkBytes = 256 * kib;
/** Largest frame on the connection of an image: a chunk, or an offer. */
export const imageFrameBytesMax = imageChunkBytes + 1 * kib;
/**
 * Bytes of an image that are on their way or not yet on the receiver's disk: what one transfer
 * costs in memory at either end. It keeps a link of 1 Gbit/s and 8 ms busy.
 */
export const imageWindowBytes = 1 * mib;
/** On the connection of an image the offer is the first thing sent. */
export const imageOfferTimeoutMs = 5000;
/**
 * An image, from its offer to its end, may take a minute and as long as its database takes at this
 * rate; a slower transfer would be behind the trimmed log again when it ends.
 */
export const imageExtraMs = 60_000;
export const imageBytesPerSecondMin = 1 * mib;

/** How long `close` waits for the other sides to take what was sent. */
export const closeGraceMs = 1000;

/**
 * Entries in one append: a barrier takes a few bytes, so a frame's size alone would allow millions.
 */
export const appendEntriesMax = 65_536;
/** Names in one list of a membership. */
export const membersMax = 256;

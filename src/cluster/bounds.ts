// The bounds of admission, each with its reason.

const kib = 1024;

/** The longest that a token may live: it is for a paste, not a credential to keep. */
export const tokenTtlMsMax = 60 * 60_000;
/** The shortest: below it nobody could paste. */
export const tokenTtlMsMin = 1000;
/** A whole token: 5 addresses of the greatest length fit. */
export const tokenTextBytesMax = 4 * kib;
/** Addresses in one token. */
export const tokenAddressesMax = 5;

/** A newcomer's request: two signing requests of less than a kibibyte each. */
export const joinRequestBytesMax = 16 * kib;
/** A node's answer: certificates, the cluster's record, the auth file. */
export const joinAnswerBytesMax = 4 * 1024 * kib;

/** Connections of newcomers at one time: a grant is for one of them. */
export const joinConnectionsMax = 16;
/** A newcomer that has not sent its request by then is no newcomer. */
export const joinRequestTimeoutMs = 10_000;
/** All of it: signing (a person may have to confirm), a quorum's commit, the answer. */
export const joinTimeoutMs = 120_000;
/** Handshake and first frame of the node, as the newcomer waits for them. */
export const joinFirstWordTimeoutMs = 10_000;
/** A node that dials a newcomer back must get through within this time. */
export const reachBackTimeoutMs = 5000;

/** What a newcomer shows when it is dialled back. */
export const probeBytes = 16;

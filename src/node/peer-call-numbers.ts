// The numbers of all calls between nodes, in one place: two calls of one number would be answered
// by whoever looks first. A number is never reused.

/** Every call there is. */
export const peerCallNumbers = {
  forward: 1,
  describe: 2,
  handOver: 3,
  prepareCheck: 4,
  collectCheck: 5,
  orderQuarantine: 6,
  askForImage: 7,
  askForReport: 8,
  askForDigests: 9,
  readIndex: 10,
} as const;

// What a frame between nodes can be. The numbers are the wire format, documented beside the
// payloads in src/command/peer.proto; they are never reused.
import type { Message } from '#raft/message.ts';

/**
 * What a connection is for: a large frame must never delay a heartbeat, nor an image anything else.
 * A connection for an image carries one and then ends.
 */
export type ConnectionKind = 'heartbeat' | 'bulk' | 'image';

/** Frames of the connection itself. */
export const frameKind = {
  hello: 1,
  refusal: 2,
  alive: 3,
  call: 4,
  reply: 5,
  imageOffer: 6,
  imageChunk: 7,
  imageProgress: 8,
} as const;

/** Frames that are Raft messages. */
export const messageFrameKind = {
  append: 16,
  'append-reply': 17,
  'vote-request': 18,
  'vote-reply': 19,
  heartbeat: 20,
  'heartbeat-reply': 21,
  snapshot: 22,
  'timeout-now': 23,
} as const satisfies Record<Message['kind'], number>;

/**
 * Which connection a Raft message travels on. A snapshot message never travels by itself: the
 * receiver makes it from an image that it has checked. One that comes without is refused.
 */
export const connectionOf: Readonly<Record<Message['kind'], ConnectionKind>> = {
  append: 'bulk',
  'append-reply': 'bulk',
  snapshot: 'image',
  'vote-request': 'heartbeat',
  'vote-reply': 'heartbeat',
  heartbeat: 'heartbeat',
  'heartbeat-reply': 'heartbeat',
  'timeout-now': 'heartbeat',
};

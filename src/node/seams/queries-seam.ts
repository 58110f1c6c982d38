// What node and fronts say to each other about requests that are under way. Goes over the same pipe
// as the rest: its numbers start at 50.
import type { DoneReply, RunningQuery } from '#http/backend.ts';
import type { KillVerdict } from '#http/running/running-requests.ts';
import { emptyCodec, jsonCodec, type Method } from '#process/seam.ts';

/** Front to node: what all fronts have under way. */
export const listQueries: Method<undefined, readonly RunningQuery[]> = {
  kind: 50,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** Front to node: end a request. */
export const killQuery: Method<{ readonly id: string }, DoneReply> = {
  kind: 51,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Node to front: what it has under way. */
export const frontQueries: Method<undefined, readonly RunningQuery[]> = {
  kind: 52,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** Node to front: end a request, if it has it. */
export const killInFront: Method<{ readonly id: string }, KillVerdict> = {
  kind: 53,
  request: jsonCodec(),
  reply: jsonCodec(),
};

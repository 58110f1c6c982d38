// What must be on disk before a node says anything that depends on it (dissertation 3.8).
import type { LogIndex } from './log-index.ts';
import type { NodeId } from './node-id.ts';
import type { Term } from './term.ts';

/**
 * `term` and `votedFor` are binding: no message that rests on them leaves before they are durable.
 * `commitIndex` is a hint that saves time after a restart; it may lag behind.
 */
export interface HardState {
  readonly term: Term;
  readonly votedFor: NodeId | undefined;
  readonly commitIndex: LogIndex;
}

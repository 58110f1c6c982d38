// What the core saw that no correct cluster does. An alarm stops nothing here: the core has already
// refused what it describes. The driver logs it, counts it and tells the operator.
import type { LogIndex } from './log-index.ts';
import type { NodeId } from './node-id.ts';
import type { Term } from './term.ts';

/** Something for the operator; `node` is the one whose disk or messages are in question. */
export type Alarm =
  /** The node acknowledged entries up to `acknowledged` and has them no more (disk replaced?). */
  | {
      readonly kind: 'acknowledged-entries-lost';
      readonly node: NodeId;
      readonly acknowledged: LogIndex;
      readonly lastIndex: LogIndex;
    }
  /** The node sent entries that contradict what is committed here. */
  | {
      readonly kind: 'committed-entry-contradicted';
      readonly node: NodeId;
      readonly index: LogIndex;
    }
  /** The node acts as leader in a term whose leader is another. */
  | { readonly kind: 'second-leader'; readonly node: NodeId; readonly term: Term }
  /** The node sent what no node may send; it was dropped. */
  | { readonly kind: 'malformed-message'; readonly node: NodeId; readonly reason: string };

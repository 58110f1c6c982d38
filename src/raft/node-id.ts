// Who takes part in consensus. The core knows a participant by name only; which certificate, key
// and disk belong to the name is decided outside.
import { invariant } from '#invariant.ts';

declare const brand: unique symbol;

/** A participant's name, not empty. Made by {@link nodeId} only. */
export type NodeId = string & { readonly [brand]: 'NodeId' };

/** The brand's one constructor. */
export const nodeId = (value: string): NodeId => {
  invariant(value.length > 0, 'a node id is not empty');
  return value as NodeId;
};

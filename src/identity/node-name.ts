// A node's name: what its certificate says, what configuration lists, what operators type. It never
// changes for the life of the node's data folder.
import { CodedError } from '#errors.ts';

declare const brand: unique symbol;

/** 1 to 63 of `a-z0-9-`, not starting with `-`. Made by {@link nodeNameFrom} only. */
export type NodeName = string & { readonly [brand]: 'NodeName' };

const pattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Whether a text is a node name. */
export const isNodeName = (text: string): text is NodeName => pattern.test(text);

/** @throws CodedError `config_invalid` with the rule when the text is not a node name */
export const nodeNameFrom = (text: string): NodeName => {
  if (isNodeName(text)) return text;
  throw new CodedError('config_invalid', `${JSON.stringify(text)} is not a node name`, {
    hint: 'Use 1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen.',
  });
};

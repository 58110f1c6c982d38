// Lists that are read from hostile input: a bound is checked before an item is added, so that many
// tiny items cannot become many large objects.
import { CodedError } from '#errors.ts';

/** The error for more of something than a message may hold. */
export const tooMany = (what: string, max: number): CodedError =>
  new CodedError('bad_request', `more than ${max} ${what} in one message`, {
    hint: 'split it into several smaller ones',
  });

/** Adds to a list that is being read. @throws CodedError `bad_request` when it has `max` items */
export const pushBounded = <Item>(list: Item[], item: Item, max: number, what: string): void => {
  if (list.length >= max) throw tooMany(what, max);
  list.push(item);
};

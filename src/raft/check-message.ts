// Whether a message may come from a correct node at all. Peers are authenticated, not infallible:
// what fails here is dropped with an alarm, so that nothing from the network can break an
// invariant.
import { unreachable } from '#invariant.ts';
import { messageNumberMax } from './bounds.ts';
import { membershipProblem } from './configuration.ts';
import type { Entry } from './entry.ts';
import type { ConfigurationCodec } from './membership.ts';
import type { Append, Message } from './message.ts';
import type { NodeId } from './node-id.ts';

/** The reason why the message is malformed, or undefined. */
export const messageProblem = (
  message: Message,
  self: NodeId,
  codec: ConfigurationCodec,
): string | undefined => {
  if (message.to !== self) return 'it is for another node';
  if (message.from === self) return 'it is from this node';
  if (numbersOf(message).some((value) => value > messageNumberMax)) return 'a number is too great';
  switch (message.kind) {
    case 'append':
      return appendProblem(message, codec);
    case 'vote-request':
      return message.lastTerm >= message.term
        ? 'the log is of the term that is asked for'
        : undefined;
    case 'snapshot':
      if (message.indexTerm > message.term) return 'the image is of a later term than its sender';
      return membershipProblem(message.membership);
    case 'append-reply':
    case 'vote-reply':
    case 'heartbeat':
    case 'heartbeat-reply':
    case 'timeout-now':
      return undefined;
    default:
      return unreachable(message);
  }
};

const numbersOf = (message: Message): readonly number[] => {
  switch (message.kind) {
    case 'append':
      return [message.term, message.prevIndex + message.entries.length, message.commitIndex];
    case 'append-reply':
      return message.accepted
        ? [message.term, message.matchIndex]
        : [message.term, message.rejectedIndex, message.hintIndex, message.hintTerm];
    case 'vote-request':
      return [message.term, message.lastIndex];
    case 'heartbeat':
      return [message.term, message.commitIndex];
    case 'snapshot':
      return [message.term, message.index];
    case 'vote-reply':
    case 'heartbeat-reply':
    case 'timeout-now':
      return [message.term];
    default:
      return unreachable(message);
  }
};

const appendProblem = (message: Append, codec: ConfigurationCodec): string | undefined => {
  if (message.prevTerm > message.term) return 'the entry before is of a later term than its sender';
  if ((message.prevIndex === 0) !== (message.prevTerm === 0)) {
    return 'the entry before the first has term 0, and no other has';
  }
  let index: number = message.prevIndex;
  let term: number = message.prevTerm;
  for (const entry of message.entries) {
    index += 1;
    if (entry.index !== index) return 'the entries have a gap';
    if (entry.term < term || entry.term === 0) return 'the terms of the entries go back';
    if (entry.kind === 'configuration') {
      const problem = configurationProblem(entry, codec);
      if (problem !== undefined) return problem;
    }
    term = entry.term;
  }
  return term > message.term ? 'an entry is of a later term than its sender' : undefined;
};

/** A configuration that this node could not read would stop it later, when it is in the log. */
const configurationProblem = (entry: Entry, codec: ConfigurationCodec): string | undefined => {
  try {
    return membershipProblem(codec.decode(entry.data).membership);
  } catch {
    return 'a configuration entry cannot be read';
  }
};

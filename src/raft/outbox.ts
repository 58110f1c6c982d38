// What waits for the next Ready. The one decision taken here is which messages must wait for the
// disk: everything that rests on a term, a vote or entries which the sender could still forget.
import { unreachable } from '#invariant.ts';
import type { Alarm } from './alarm.ts';
import { alarmsMax } from './bounds.ts';
import type { LogIndex } from './log-index.ts';
import type { Message } from './message.ts';
import type { ReadState, SnapshotRequest } from './ready.ts';

/** The parts of a Ready that are collected as they arise. */
export interface Outbox {
  messagesNow: Message[];
  messagesAfterSync: Message[];
  readStates: ReadState[];
  snapshotRequests: SnapshotRequest[];
  alarms: Alarm[];
}

/** An empty outbox. */
export const createOutbox = (): Outbox => ({
  messagesNow: [],
  messagesAfterSync: [],
  readStates: [],
  snapshotRequests: [],
  alarms: [],
});

/**
 * Whether a message may leave before what it rests on is on disk (dissertation 3.8, 10.2.1).
 *
 * @param termIsDurable the sender's present term is on disk
 */
const mayLeaveNow = (message: Message, termIsDurable: boolean): boolean => {
  switch (message.kind) {
    // A leader's own disk works while its followers' do. It leads only in a term that is on disk.
    case 'append':
    case 'heartbeat':
    case 'snapshot':
    case 'timeout-now':
      return true;
    // Acknowledges entries, or tells where the log ends.
    case 'append-reply':
      return false;
    // A real request says "I voted for myself"; a pre-vote request says nothing binding (9.6).
    case 'vote-request':
      return message.preVote;
    case 'vote-reply':
      return message.preVote && termIsDurable;
    case 'heartbeat-reply':
      return termIsDurable;
    default:
      return unreachable(message);
  }
};

/** Puts a message where it belongs. */
export const enqueue = (outbox: Outbox, message: Message, termIsDurable: boolean): void => {
  if (mayLeaveNow(message, termIsDurable)) outbox.messagesNow.push(message);
  else outbox.messagesAfterSync.push(message);
};

/** Keeps an alarm for the next Ready, unless there are many already. */
export const raise = (outbox: Outbox, alarm: Alarm): void => {
  if (outbox.alarms.length < alarmsMax) outbox.alarms.push(alarm);
};

/**
 * Takes back acknowledgements of entries from `index` on that have not left yet: the entries are
 * being removed, and may never have reached the disk. A lost acknowledgement does no harm.
 */
export const retractAcknowledgements = (outbox: Outbox, index: LogIndex): void => {
  outbox.messagesAfterSync = outbox.messagesAfterSync.filter(
    (message) => message.kind !== 'append-reply' || !message.accepted || message.matchIndex < index,
  );
};

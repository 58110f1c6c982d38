// Which configuration is in force. The rule is the dissertation's (4.1): a node uses the latest
// configuration in its log, committed or not, and goes back to the one before when that entry is
// truncated. (The other rule, "in force once applied", needs a second one to keep a leader from
// being elected under a configuration older than one that is committed; this one does not.)
//
// The history keeps the configuration at the applied index and every later one: the first for
// images, the committed one and those behind it for who may campaign and who is sent the log.
import { invariant } from '#invariant.ts';
import type { LogIndex } from './log-index.ts';
import type { Membership } from './membership.ts';

/** A membership and the index of the entry that brought it. */
export interface Configuration {
  readonly index: LogIndex;
  readonly membership: Membership;
}

/** The configurations from the applied one to the latest in the log. */
export interface MembershipHistory {
  /** The one in force. */
  readonly latest: Configuration;
  /** The one in force at `index`, which is not before the applied index. */
  at(index: LogIndex): Configuration;
  /** Those from the one at `index` to the latest, oldest first. */
  since(index: LogIndex): readonly Configuration[];
  append(configuration: Configuration): void;
  truncateFrom(index: LogIndex): void;
  /** Configurations that were replaced by the time of `index` are not needed any more. */
  forgetBefore(index: LogIndex): void;
  /** An image brought its own; nothing before it is known. */
  restart(configuration: Configuration): void;
}

/** A history that begins with the configuration at the applied index. */
export const createMembershipHistory = (first: Configuration): MembershipHistory => {
  const history: Configuration[] = [first];

  const positionAt = (index: LogIndex): number => {
    const position = history.findLastIndex((configuration) => configuration.index <= index);
    invariant(position >= 0, 'the configuration at an index from the applied one on is known');
    return position;
  };

  const entryAt = (position: number): Configuration => {
    const configuration = history.at(position);
    invariant(configuration !== undefined, 'there is always a configuration');
    return configuration;
  };

  return {
    get latest() {
      return entryAt(-1);
    },
    at: (index) => entryAt(positionAt(index)),
    since: (index) => history.slice(positionAt(index)),
    append(configuration) {
      invariant(configuration.index > entryAt(-1).index, 'configurations ascend in index');
      history.push(configuration);
    },
    truncateFrom(index) {
      while (entryAt(-1).index >= index) {
        history.pop();
        invariant(history.length > 0, 'the applied configuration is never truncated');
      }
    },
    forgetBefore(index) {
      history.splice(0, positionAt(index));
    },
    restart(configuration) {
      history.length = 0;
      history.push(configuration);
    },
  };
};

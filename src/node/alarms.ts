// What is wrong with this node or its cluster at the moment, for the log, `/status` and `/metrics`.
// An alarm is raised once and told once; it stays until what raised it says that it is over.
import type { Logger } from './logger.ts';

/** What there are alarms for. */
export const alarmNames = [
  'apply_stalled',
  'quarantined',
  'outcomes_differ',
  'content_differs',
  'clock_differs',
  'backup_failed',
  'cdc_failed',
] as const;

/** One of them. */
export type AlarmName = (typeof alarmNames)[number];

/** A standing alarm. */
export interface Alarm {
  readonly name: AlarmName;
  /** What happened and what to do. */
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

/** All alarms of a node. */
export class Alarms {
  readonly #standing = new Map<AlarmName, Alarm>();
  readonly #log: Logger;
  readonly #nowMs: () => number;

  constructor(log: Logger, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Standing ones, oldest first. */
  get standing(): readonly Alarm[] {
    return [...this.#standing.values()];
  }

  /** Raises an alarm, or corrects what it says. */
  raise(name: AlarmName, message: string): void {
    const known = this.#standing.get(name);
    if (known?.message === message) return;
    this.#standing.set(name, { name, message, sinceMs: known?.sinceMs ?? this.#nowMs() });
    this.#log.error({ alarm: name }, message);
  }

  /** It is over; nothing to do when it was not. */
  clear(name: AlarmName): void {
    if (this.#standing.delete(name)) this.#log.info({ alarm: name }, 'an alarm is over');
  }
}

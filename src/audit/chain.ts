// Lines of the audit log, chained: each holds the hash of the line before it and its own, so a line
// that is changed, left out or put in shows from there on. See docs/formats/audit-log.md.
import { hash } from 'node:crypto';
import type { AuditEvent } from './audit-event.ts';

/** Version of the format. */
export const auditVersion = 1;

/** The hash before the first line ever. */
export const noHash = '0'.repeat(64);

/** Where a chain stands. */
export interface ChainHead {
  /** Number of the last line; 0 before the first. */
  readonly sequence: number;
  readonly hash: string;
}

/** The head before the first line. */
export const emptyHead: ChainHead = { sequence: 0, hash: noHash };

const hashMark = ',"hash":"';

/** The next line, with its end, and the head behind it. */
export const nextLine = (
  head: ChainHead,
  event: AuditEvent,
  origin: { readonly node: string; readonly time: string },
): { readonly text: string; readonly head: ChainHead } => {
  const sequence = head.sequence + 1;
  const fields = { v: auditVersion, seq: sequence, ...origin, ...event, prev: head.hash };
  const body = JSON.stringify(fields).slice(0, -1);
  const own = hash('sha256', body);
  return { text: `${body}${hashMark}${own}"}\n`, head: { sequence, hash: own } };
};

/** A line that was read: its place in the chain, or what is wrong with it. */
export type ReadLine =
  | { readonly kind: 'line'; readonly head: ChainHead; readonly previous: string }
  | { readonly kind: 'fault'; readonly reason: string };

const fault = (reason: string): ReadLine => ({ kind: 'fault', reason });

/** Reads a line without its end. */
export const readLine = (text: string): ReadLine => {
  const at = text.lastIndexOf(hashMark);
  if (at < 0) return fault('it is no line of an audit log');
  const body = text.slice(0, at);
  const own = text.slice(at + hashMark.length, -2);
  if (hash('sha256', body) !== own || !text.endsWith('"}')) return fault('it was changed');
  const fields: unknown = JSON.parse(`${body}}`);
  if (typeof fields !== 'object' || fields === null) return fault('it is no object');
  const { v, seq, prev } = fields as { v?: unknown; seq?: unknown; prev?: unknown };
  if (v !== auditVersion) return fault(`it is of version ${String(v)}`);
  if (typeof seq !== 'number' || typeof prev !== 'string') return fault('it has no place');
  return { kind: 'line', head: { sequence: seq, hash: own }, previous: prev };
};

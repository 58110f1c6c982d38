// What the reply to a batch means for the writes in it.
import type { Applied, ErrorCode } from '#errors.ts';
import { errorMeanings } from '#errors.ts';
import type { DataReply } from '#http/data/data-request.ts';
import type { QueueFault } from './queued-write.ts';

/** How a batch ended. */
export type BatchEnd =
  /** `faults`: number of a statement to its error, for those that failed. */
  | { readonly kind: 'written'; readonly faults: ReadonlyMap<number, string> }
  | { readonly kind: 'failed'; readonly fault: QueueFault };

/** Refusals that may be gone a little later. */
const passing: ReadonlySet<string> = new Set<ErrorCode>([
  'no_leader',
  'not_leader',
  'unreachable',
  'queue_full',
  'not_ready',
  'schema_changed',
  'shutting_down',
  'disk_full',
]);

/** Refusals of one statement: the others of its batch are not to blame. */
const ofOneStatement: ReadonlySet<string> = new Set<ErrorCode>([
  'statement_refused',
  'statement_too_expensive',
  'permission_denied',
  'bad_request',
]);

/** Whether to try again: nothing was applied, and the reason may pass. */
export const isPassing = ({ code, applied }: QueueFault): boolean =>
  applied === 'no' && passing.has(code);

/** Whether the batch's writes should be tried one by one. */
export const isOfOneStatement = ({ code, applied }: QueueFault): boolean =>
  applied === 'no' && (ofOneStatement.has(code) || code === 'statement_failed');

/** Reads a reply. In a transaction one fault means that nothing was applied. */
export const batchEndFrom = (reply: DataReply, transaction: boolean): BatchEnd => {
  switch (reply.kind) {
    case 'results': {
      const faults = faultsIn(reply.json);
      const [first] = faults.values();
      if (reply.error !== '') return failed('statement_failed', reply.error, 'no');
      if (transaction && first !== undefined) return failed('statement_failed', first, 'no');
      return { kind: 'written', faults };
    }
    case 'error': {
      const { code, message, applied } = reply.answer;
      return failed(code, message, applied ?? 'no');
    }
    case 'relayed':
      return relayed(reply.json);
    case 'redirect':
      return failed('not_leader', 'This node does not lead', 'no');
  }
};

const failed = (code: QueueFault['code'], message: string, applied: Applied): BatchEnd => ({
  kind: 'failed',
  fault: { code, message, applied },
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(errorMeanings, code);

/** An error body of another node; what it does not say clearly counts as not known. */
const relayed = (json: Uint8Array): BatchEnd => {
  const body = parsed(Buffer.from(json).toString('utf8'));
  const { code, error, applied } = isObject(body) ? body : {};
  return failed(
    isErrorCode(code) ? code : 'internal',
    typeof error === 'string' ? error : 'The leader gave an answer that cannot be read',
    applied === 'no' || applied === 'yes' ? applied : 'unknown',
  );
};

const errorKey = Buffer.from('"error":');

/** Parsed only when something looks like an error: nobody else reads the results. */
const faultsIn = (json: Uint8Array): ReadonlyMap<number, string> => {
  const faults = new Map<number, string>();
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  if (!bytes.includes(errorKey)) return faults;
  const results = parsed(`[${bytes.toString('utf8')}]`);
  if (!Array.isArray(results)) return faults;
  for (const [at, result] of results.entries()) {
    if (!isObject(result)) continue;
    const { error } = result;
    if (typeof error === 'string') faults.set(at, error);
  }
  return faults;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

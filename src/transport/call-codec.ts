// Calls and their replies. A call's number is the caller's own, counted per connection; the reply
// carries it back.
import { WireWriter } from '#command/wire.ts';
import { broken, type Decoded, decoded, type FieldType, WireFields } from './wire-fields.ts';

/** A question to the other node; `method` is defined by the layer above. */
export interface CallFrame {
  readonly id: number;
  readonly method: number;
  readonly payload: Buffer;
}

/**
 * `busy`: the call was not acted on, too many are open. `too-large`: it was, its result is lost.
 */
export type ReplyOutcome = 'ok' | 'busy' | 'too-large';

/** The answer to a call. */
export interface ReplyFrame {
  readonly id: number;
  readonly outcome: ReplyOutcome;
  readonly payload: Buffer;
}

const fieldTypes: Readonly<Record<number, FieldType>> = { 1: 'varint', 2: 'varint', 3: 'bytes' };

const outcomes: readonly ReplyOutcome[] = ['ok', 'busy', 'too-large'];

const writer = new WireWriter();

/** The payload of a call or reply frame; `second` is the method or the outcome. */
const encode = (id: number, second: number, payload: Uint8Array): Buffer => {
  writer.varintField(1, id);
  if (second !== 0) writer.varintField(2, second);
  if (payload.length > 0) writer.bytesField(3, payload);
  return writer.finish();
};

/** The payload of a call frame. */
export const encodeCall = (id: number, method: number, payload: Uint8Array): Buffer =>
  encode(id, method, payload);

/** The payload of a reply frame. */
export const encodeReply = (id: number, outcome: ReplyOutcome, payload: Uint8Array): Buffer =>
  encode(id, outcomes.indexOf(outcome), payload);

const fieldsOf = (payload: Buffer): { fields: WireFields; id: number } => {
  const fields = new WireFields(payload, fieldTypes, 1);
  const id = fields.varint(1);
  if (id === 0) throw broken('a call without a number');
  return { fields, id };
};

/** A call, or why it is none. */
export const decodeCall = (payload: Buffer): Decoded<CallFrame> =>
  decoded(() => {
    const { fields, id } = fieldsOf(payload);
    return { id, method: fields.varint(2), payload: fields.bytes(3) };
  });

/** A reply, or why it is none. */
export const decodeReply = (payload: Buffer): Decoded<ReplyFrame> =>
  decoded(() => {
    const { fields, id } = fieldsOf(payload);
    const outcome = outcomes[fields.varint(2)];
    if (outcome === undefined) throw broken(`outcome ${fields.varint(2)} of a call`);
    return { id, outcome, payload: fields.bytes(3) };
  });

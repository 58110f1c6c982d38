// The bytes of forwarded requests and their replies (forward.proto), between two nodes.
import { invariant } from '#invariant.ts';
import { statementsMax } from '#limits.ts';
import { pushBounded } from './bounded-list.ts';
import { isIdempotencyKey, isTransactionId, type Statement } from './command.ts';
import { checkKeyedFormat, formatVersion, keyedFormat } from './format.ts';
import { type ForwardReply, type ForwardRequest, forwardKinds, type Level } from './forward.ts';
import { checkTable, readStatement, writeStatement } from './statement-codec.ts';
import { brokenMessage, tagOf, WireReader, WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;

/** The enums of the .proto: a name's place, counted from 1, is its number; 0 is never sent. */
const levels: readonly Level[] = ['none', 'weak', 'linearizable', 'strong'];

/** `render` is one byte. */
const renderMax = 255;
const timeoutMsMax = 2 ** 32 - 1;
const statusMin = 100;
const statusMax = 599;
/** What may stand in a header: another node's bytes become one. */
const headerLine = /^[ -~]{0,500}$/;

const writer = new WireWriter();

/**
 * A forwarded request's bytes.
 *
 * @throws CodedError `bad_request` as `encodeCommand` does
 */
export const encodeForwardRequest = (request: ForwardRequest): Buffer => {
  checkTable(request);
  invariant(request.render <= renderMax, 'render is one byte');
  const { timeoutMs, linearizableTimeoutMs, dbTimeoutMs, idempotencyKey } = request;
  const longestMs = Math.max(timeoutMs, linearizableTimeoutMs, dbTimeoutMs);
  invariant(longestMs <= timeoutMsMax, 'a timeout fits 32 bits');
  const keyed = idempotencyKey !== '';
  if (keyed) checkKey(idempotencyKey);
  checkTransaction(request.transactionId);
  writer.start();
  writer.varintField(1, keyed ? keyedFormat : formatVersion);
  writer.varintField(2, forwardKinds.indexOf(request.kind) + 1);
  writer.varintField(3, levels.indexOf(request.level) + 1);
  if (request.render !== 0) writer.varintField(4, request.render);
  if (request.transaction) writer.varintField(5, 1);
  if (timeoutMs !== 0) writer.varintField(6, timeoutMs);
  if (request.user !== '') writer.stringField(7, request.user);
  if (request.requestId !== '') writer.stringField(8, request.requestId);
  if (request.clientAddress !== '') writer.stringField(9, request.clientAddress);
  for (const text of request.texts) writer.stringField(10, text);
  for (const statement of request.statements) writeStatement(writer, 11, statement);
  if (keyed) writer.stringField(12, idempotencyKey);
  if (linearizableTimeoutMs !== 0) writer.varintField(13, linearizableTimeoutMs);
  if (dbTimeoutMs !== 0) writer.varintField(14, dbTimeoutMs);
  if (request.withoutHeavy) writer.varintField(15, 1);
  if (request.transactionId !== '') writer.stringField(16, request.transactionId);
  return writer.finish();
};

const checkKey = (key: string): void => {
  if (!isIdempotencyKey(key)) throw brokenMessage('a key of other than printable characters');
};

const checkTransaction = (id: string): void => {
  if (id !== '' && !isTransactionId(id)) throw brokenMessage('an id that names no transaction');
};

/**
 * The request that `input` holds; blobs are views into it.
 *
 * @throws CodedError `bad_request` for anything {@link encodeForwardRequest} could not have made,
 *   unknown fields aside
 */
export const decodeForwardRequest = (input: Uint8Array): ForwardRequest => {
  const reader = new WireReader(input);
  const texts: string[] = [];
  const statements: Statement[] = [];
  const numbers = {
    format: 0,
    kind: 0,
    level: 0,
    render: 0,
    transaction: 0,
    timeoutMs: 0,
    linearizableTimeoutMs: 0,
    dbTimeoutMs: 0,
    withoutHeavy: 0,
  };
  const strings = {
    user: '',
    requestId: '',
    clientAddress: '',
    idempotencyKey: '',
    transactionId: '',
  };
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case tagOf(1, varint):
        numbers.format = reader.varint();
        break;
      case tagOf(2, varint):
        numbers.kind = reader.varint();
        break;
      case tagOf(3, varint):
        numbers.level = reader.varint();
        break;
      case tagOf(4, varint):
        numbers.render = reader.varint();
        break;
      case tagOf(5, varint):
        numbers.transaction = reader.varint();
        break;
      case tagOf(6, varint):
        numbers.timeoutMs = reader.varint();
        break;
      case tagOf(7, bytes):
        strings.user = reader.string();
        break;
      case tagOf(8, bytes):
        strings.requestId = reader.string();
        break;
      case tagOf(9, bytes):
        strings.clientAddress = reader.string();
        break;
      case tagOf(10, bytes):
        pushBounded(texts, reader.string(), statementsMax, 'texts');
        break;
      case tagOf(11, bytes):
        pushBounded(statements, readStatement(reader), statementsMax, 'statements');
        break;
      case tagOf(12, bytes):
        strings.idempotencyKey = reader.string();
        break;
      case tagOf(13, varint):
        numbers.linearizableTimeoutMs = reader.varint();
        break;
      case tagOf(14, varint):
        numbers.dbTimeoutMs = reader.varint();
        break;
      case tagOf(15, varint):
        numbers.withoutHeavy = reader.varint();
        break;
      case tagOf(16, bytes):
        strings.transactionId = reader.string();
        break;
      default:
        reader.skip(tag, 16);
    }
  }
  return forwardRequestFrom(numbers, strings, { texts, statements });
};

type NumberName =
  | 'format'
  | 'kind'
  | 'level'
  | 'render'
  | 'transaction'
  | 'timeoutMs'
  | 'linearizableTimeoutMs'
  | 'dbTimeoutMs'
  | 'withoutHeavy';

const forwardRequestFrom = (
  numbers: Readonly<Record<NumberName, number>>,
  strings: Pick<
    ForwardRequest,
    'user' | 'requestId' | 'clientAddress' | 'idempotencyKey' | 'transactionId'
  >,
  table: Pick<ForwardRequest, 'texts' | 'statements'>,
): ForwardRequest => {
  const keyed = strings.idempotencyKey !== '';
  checkKeyedFormat('forwarded request', numbers.format, keyed);
  if (keyed) checkKey(strings.idempotencyKey);
  checkTransaction(strings.transactionId);
  const kind = forwardKinds[numbers.kind - 1];
  const level = levels[numbers.level - 1];
  if (kind === undefined) throw brokenMessage(`a forwarded request of kind ${numbers.kind}`);
  if (level === undefined) throw brokenMessage(`a forwarded request of level ${numbers.level}`);
  const { render, timeoutMs, linearizableTimeoutMs, dbTimeoutMs } = numbers;
  const longestMs = Math.max(timeoutMs, linearizableTimeoutMs, dbTimeoutMs);
  if (render > renderMax) throw brokenMessage(`render ${render}`);
  if (longestMs > timeoutMsMax) throw brokenMessage(`a timeout of ${longestMs} ms`);
  checkTable(table);
  const transaction = numbers.transaction !== 0;
  const withoutHeavy = numbers.withoutHeavy !== 0;
  const timeouts = { timeoutMs, linearizableTimeoutMs, dbTimeoutMs };
  return { kind, level, render, transaction, withoutHeavy, ...timeouts, ...strings, ...table };
};

/** A reply's bytes; the body is copied once unless there is a warning. */
export const encodeForwardReply = (reply: ForwardReply): Buffer => {
  invariant(reply.status >= statusMin && reply.status <= statusMax, 'a status is 100 to 599');
  writer.start();
  writer.varintField(1, reply.status);
  if (reply.raftIndex !== 0) writer.varintField(2, reply.raftIndex);
  if (reply.microseconds !== 0) writer.varintField(3, reply.microseconds);
  if (reply.servedBy !== '') writer.stringField(4, reply.servedBy);
  if (reply.error !== '') writer.stringField(5, reply.error);
  if (reply.warning === '') return writer.finishWith(6, reply.json);
  if (reply.json.length > 0) writer.bytesField(6, reply.json);
  writer.stringField(7, reply.warning);
  return writer.finish();
};

/**
 * The reply that `input` holds; `json` is a view into it.
 *
 * @throws CodedError `bad_request` for broken input and a status outside 100 to 599
 */
export const decodeForwardReply = (input: Uint8Array): ForwardReply => {
  const reader = new WireReader(input);
  let status = 0;
  let raftIndex = 0;
  let microseconds = 0;
  let servedBy = '';
  let error = '';
  let warning = '';
  let json: Uint8Array = Buffer.alloc(0);
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case tagOf(1, varint):
        status = reader.varint();
        break;
      case tagOf(2, varint):
        raftIndex = reader.varint();
        break;
      case tagOf(3, varint):
        microseconds = reader.varint();
        break;
      case tagOf(4, bytes):
        servedBy = reader.string();
        break;
      case tagOf(5, bytes):
        error = reader.string();
        break;
      case tagOf(6, bytes):
        json = reader.bytes();
        break;
      case tagOf(7, bytes):
        warning = reader.string();
        break;
      default:
        reader.skip(tag, 7);
    }
  }
  if (status < statusMin || status > statusMax) throw brokenMessage(`status ${status}`);
  if (!headerLine.test(warning)) throw brokenMessage('a warning that is no line of a header');
  return { status, json, error, raftIndex, servedBy, microseconds, warning };
};

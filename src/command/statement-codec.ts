// The bytes of statements and their parameters, as commands and forwarded requests carry them
// (command.proto), and the bounds that hold for both. Writing refuses what reading would refuse: a
// command that was replicated and cannot be read would stop every node.
import { CodedError } from '#errors.ts';
import { parametersMax, statementBytesMax, statementsMax } from '#limits.ts';
import { tooMany } from './bounded-list.ts';
import type { Statement } from './command.ts';
import type { Value } from './value.ts';
import { brokenMessage, tagOf, type WireReader, type WireWriter, wireType } from './wire.ts';

const { varint, fixed64, bytes } = wireType;

/** NULL_VALUE: the number itself says nothing, that the field is there says NULL. */
const nullValue = 0;

/** One request's texts and the statements that name them by number. */
export interface StatementTable {
  readonly texts: readonly string[];
  readonly statements: readonly Statement[];
}

const checkText = (text: string): void => {
  // A UTF-16 unit is at most three bytes of UTF-8, so most texts need no counting.
  if (text.length * 3 <= statementBytesMax) return;
  if (Buffer.byteLength(text) > statementBytesMax) {
    throw new CodedError('bad_request', `a statement is longer than ${statementBytesMax} bytes`, {
      hint: 'pass data as parameters',
    });
  }
};

const checkStatement = (statement: Statement, texts: number): void => {
  if (!Number.isInteger(statement.text) || statement.text < 0 || statement.text >= texts) {
    throw brokenMessage(`statement text ${statement.text} of ${texts}`);
  }
  if (statement.positional.length + statement.named.length > parametersMax) {
    throw tooMany('parameters of a statement', parametersMax);
  }
  if (statement.places !== undefined) checkPlaces(statement.places, statement);
};

const checkPlaces = (places: readonly number[], { positional, named }: Statement): void => {
  let last = 0;
  for (const place of places) {
    if (!Number.isInteger(place) || place <= last) throw brokenMessage(`a value at place ${place}`);
    last = place;
  }
  const some = places.length > 0 && last > places.length;
  if (!some || places.length !== positional.length || last > positional.length + named.length) {
    throw brokenMessage(`${places.length} places of ${positional.length} values, the last ${last}`);
  }
};

/**
 * What holds for every table, written or read: at most `statementsMax` statements and texts of at
 * most `statementBytesMax` bytes, at most `parametersMax` parameters each, every text number in the
 * table.
 *
 * @throws CodedError `bad_request`
 */
export const checkTable = ({ texts, statements }: StatementTable): void => {
  if (statements.length > statementsMax) throw tooMany('statements', statementsMax);
  if (texts.length > statementsMax) throw tooMany('texts', statementsMax);
  for (const text of texts) checkText(text);
  for (const statement of statements) checkStatement(statement, texts.length);
};

const writeValue = (writer: WireWriter, field: number, value: Value): void => {
  const start = writer.begin(field);
  if (typeof value === 'bigint') writer.signedField(1, value);
  else if (typeof value === 'string') writer.stringField(3, value);
  else if (typeof value === 'number') writer.doubleField(2, value);
  else if (value === null) writer.varintField(6, nullValue);
  else if (typeof value === 'boolean') writer.varintField(5, value ? 1 : 0);
  else writer.bytesField(4, value);
  writer.end(start);
};

/** Writes a Statement as field number `field` of the message being written. */
export const writeStatement = (writer: WireWriter, field: number, statement: Statement): void => {
  const start = writer.begin(field);
  if (statement.text !== 0) writer.varintField(1, statement.text);
  for (const value of statement.positional) writeValue(writer, 2, value);
  for (const [name, value] of statement.named) {
    const pair = writer.begin(3);
    if (name !== '') writer.stringField(1, name);
    writeValue(writer, 2, value);
    writer.end(pair);
  }
  for (const place of statement.places ?? []) writer.varintField(4, place);
  writer.end(start);
};

/** Reads one Value; `before` is what an earlier occurrence of the same field said. */
const readValue = (reader: WireReader, before?: Value): Value => {
  let value = before;
  const outer = reader.enter();
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case tagOf(1, varint):
        value = reader.signed();
        break;
      case tagOf(2, fixed64):
        value = reader.double();
        break;
      case tagOf(3, bytes):
        value = reader.string();
        break;
      case tagOf(4, bytes):
        value = reader.bytes();
        break;
      case tagOf(5, varint):
        value = reader.varint() !== 0;
        break;
      case tagOf(6, varint):
        reader.varint();
        value = null;
        break;
      default:
        reader.skip(tag, 6);
    }
  }
  reader.leave(outer);
  if (value === undefined) throw brokenMessage('a parameter of no known kind');
  return value;
};

const readNamed = (reader: WireReader): readonly [string, Value] => {
  let name = '';
  let value: Value | undefined;
  const outer = reader.enter();
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(1, bytes)) name = reader.string();
    else if (tag === tagOf(2, bytes)) value = readValue(reader, value);
    else reader.skip(tag, 2);
  }
  reader.leave(outer);
  if (value === undefined) throw brokenMessage('a named parameter without a value');
  return [name, value];
};

/** Writers of protobuf may pack numbers, and readers must take both forms. */
const readPacked = (reader: WireReader, into: number[]): void => {
  const outer = reader.enter();
  while (!reader.done) into.push(reader.varint());
  reader.leave(outer);
};

/** Reads one Statement whose tag was just read; blobs are views into the input. */
export const readStatement = (reader: WireReader): Statement => {
  let text = 0;
  const positional: Value[] = [];
  const named: (readonly [string, Value])[] = [];
  const places: number[] = [];
  const outer = reader.enter();
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(2, bytes)) positional.push(readValue(reader));
    else if (tag === tagOf(1, varint)) text = reader.varint();
    else if (tag === tagOf(3, bytes)) named.push(readNamed(reader));
    else if (tag === tagOf(4, varint)) places.push(reader.varint());
    else if (tag === tagOf(4, bytes)) readPacked(reader, places);
    else reader.skip(tag, 4);
  }
  reader.leave(outer);
  return places.length === 0 ? { text, positional, named } : { text, positional, named, places };
};

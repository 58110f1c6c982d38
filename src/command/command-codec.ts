// The bytes of a Command (command.proto), written and read by hand because every write takes this
// path; a test holds them to the generated codec.
import { statementsMax } from '#limits.ts';
import { pushBounded } from './bounded-list.ts';
import type { Command, Idempotency, Interactive, Statement } from './command.ts';
import {
  checkCommandFormat,
  commandFormatOf,
  formatVersion,
  interactiveFormat,
  keyedFormat,
} from './format.ts';
import { checkIdempotency, readIdempotency, writeIdempotency } from './idempotency-codec.ts';
import { checkInteractive, readInteractive, writeInteractive } from './interactive-codec.ts';
import { checkTable, readStatement, writeStatement } from './statement-codec.ts';
import { tagOf, WireReader, WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;
const writer = new WireWriter();

/**
 * A command's bytes.
 *
 * @throws CodedError `bad_request` beyond a bound of limits.ts, for a text number outside the
 *   table, an integer beyond 64 bits or a text with a lone surrogate (UTF-8 has none, and a silent
 *   U+FFFD would store what nobody sent)
 */
export const encodeCommand = (command: Command): Buffer => {
  checkTable(command);
  const { idempotency, interactive } = command;
  if (idempotency !== undefined) checkIdempotency(idempotency);
  if (interactive !== undefined) checkInteractive(interactive);
  writer.start();
  writer.varintField(1, commandFormatOf(idempotency !== undefined, interactive !== undefined));
  if (command.transaction) writer.varintField(2, 1);
  if (command.changesSchema) writer.varintField(3, 1);
  if (command.schemaIndex !== 0) writer.varintField(4, command.schemaIndex);
  if (command.user !== '') writer.stringField(5, command.user);
  if (command.requestId !== '') writer.stringField(6, command.requestId);
  for (const text of command.texts) writer.stringField(7, text);
  for (const statement of command.statements) writeStatement(writer, 8, statement);
  if (idempotency !== undefined) writeIdempotency(writer, 9, idempotency);
  if (interactive !== undefined) writeInteractive(writer, 10, interactive);
  return writer.finish();
};

const formats: ReadonlySet<number> = new Set([formatVersion, keyedFormat, interactiveFormat]);

/** The request that bytes of a command are of; empty when they are no command, or say nothing. */
export const requestIdOf = (input: Uint8Array): string => {
  const reader = new WireReader(input);
  while (!reader.done) {
    const tag = reader.tag();
    // It stands before texts and statements. A step of a load has its user there.
    if (tag === tagOf(1, varint)) {
      const format = reader.varint();
      if (!formats.has(format)) return '';
    } else if (tag === tagOf(6, bytes)) return reader.string();
    else if (tag === tagOf(7, bytes)) return '';
    else reader.skip(tag);
  }
  return '';
};

/**
 * The command that `input` holds; blobs are views into it, so it must stay unchanged while they are
 * used.
 *
 * @throws CodedError `bad_request` for anything {@link encodeCommand} could not have made, unknown
 *   fields aside
 */
export const decodeCommand = (input: Uint8Array): Command => {
  const reader = new WireReader(input);
  const texts: string[] = [];
  const statements: Statement[] = [];
  let format = 0;
  let transaction = false;
  let changesSchema = false;
  let schemaIndex = 0;
  let user = '';
  let requestId = '';
  let idempotency: Idempotency | undefined;
  let interactive: Interactive | undefined;
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case tagOf(8, bytes):
        pushBounded(statements, readStatement(reader), statementsMax, 'statements');
        break;
      case tagOf(7, bytes):
        pushBounded(texts, reader.string(), statementsMax, 'texts');
        break;
      case tagOf(1, varint):
        format = reader.varint();
        break;
      case tagOf(2, varint):
        transaction = reader.varint() !== 0;
        break;
      case tagOf(3, varint):
        changesSchema = reader.varint() !== 0;
        break;
      case tagOf(4, varint):
        schemaIndex = reader.varint();
        break;
      case tagOf(5, bytes):
        user = reader.string();
        break;
      case tagOf(6, bytes):
        requestId = reader.string();
        break;
      case tagOf(9, bytes):
        idempotency = readIdempotency(reader, idempotency);
        break;
      case tagOf(10, bytes):
        interactive = readInteractive(reader, interactive);
        break;
      default:
        reader.skip(tag, 10);
    }
  }
  checkCommandFormat(format, idempotency !== undefined, interactive !== undefined);
  const command = { texts, statements, transaction, schemaIndex, changesSchema, user, requestId };
  checkTable(command);
  if (idempotency === undefined && interactive === undefined) return command;
  if (idempotency !== undefined) checkIdempotency(idempotency);
  if (interactive !== undefined) checkInteractive(interactive);
  return {
    ...command,
    ...(idempotency === undefined ? {} : { idempotency }),
    ...(interactive === undefined ? {} : { interactive }),
  };
};

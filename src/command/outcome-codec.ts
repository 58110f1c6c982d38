// The bytes of an Outcome (outcome.proto), on the way from the writer to whoever proposed.
import { unreachable } from '#invariant.ts';
import type { Outcome } from './outcome.ts';
import { brokenMessage, tagOf, WireReader, WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;
const kindResults = 1;
const kindSchemaChanged = 2;
const kindRepeated = 3;
const kindKeyReused = 4;
const kindConflict = 5;

const writer = new WireWriter();

/** An outcome's bytes; the results are copied once. */
export const encodeOutcome = (outcome: Outcome): Buffer => {
  writer.start();
  switch (outcome.kind) {
    case 'results':
      writer.varintField(1, kindResults);
      if (outcome.microseconds !== 0) writer.varintField(3, outcome.microseconds);
      if (outcome.error !== '') writer.stringField(4, outcome.error);
      return writer.finishWith(5, outcome.json);
    case 'schema-changed':
      writer.varintField(1, kindSchemaChanged);
      if (outcome.schemaIndex !== 0) writer.varintField(2, outcome.schemaIndex);
      return writer.finish();
    case 'repeated':
      writer.varintField(1, kindRepeated);
      if (outcome.error !== '') writer.stringField(4, outcome.error);
      if (outcome.json.length > 0) writer.bytesField(5, outcome.json);
      if (outcome.index !== 0) writer.varintField(6, outcome.index);
      if (outcome.lost) writer.varintField(7, 1);
      return writer.finish();
    case 'key-reused':
      writer.varintField(1, kindKeyReused);
      return writer.finish();
    case 'conflict':
      writer.varintField(1, kindConflict);
      return writer.finish();
    default:
      return unreachable(outcome);
  }
};

/**
 * The outcome that `input` holds; `json` is a view into it.
 *
 * @throws CodedError `bad_request` for broken input and for a kind that this version does not know
 */
export const decodeOutcome = (input: Uint8Array): Outcome => {
  const reader = new WireReader(input);
  let kind = 0;
  let schemaIndex = 0;
  let microseconds = 0;
  let error = '';
  let json: Uint8Array = Buffer.alloc(0);
  let index = 0;
  let lost = false;
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case tagOf(1, varint):
        kind = reader.varint();
        break;
      case tagOf(2, varint):
        schemaIndex = reader.varint();
        break;
      case tagOf(3, varint):
        microseconds = reader.varint();
        break;
      case tagOf(4, bytes):
        error = reader.string();
        break;
      case tagOf(5, bytes):
        json = reader.bytes();
        break;
      case tagOf(6, varint):
        index = reader.varint();
        break;
      case tagOf(7, varint):
        lost = reader.varint() !== 0;
        break;
      default:
        reader.skip(tag, 7);
    }
  }
  if (kind === kindResults) return { kind: 'results', json, error, microseconds };
  if (kind === kindSchemaChanged) return { kind: 'schema-changed', schemaIndex };
  if (kind === kindRepeated) return { kind: 'repeated', index, json, error, lost };
  if (kind === kindKeyReused) return { kind: 'key-reused' };
  if (kind === kindConflict) return { kind: 'conflict' };
  throw brokenMessage(`an outcome of kind ${kind}`);
};

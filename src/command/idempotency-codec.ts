// The bytes of an Idempotency (command.proto) inside a command.
import { type Idempotency, isIdempotencyKey } from './command.ts';
import { brokenMessage, tagOf, type WireReader, type WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;
const digestBytes = 32;
const renderMax = 255;

/** @throws CodedError `bad_request` for a key, digest or render that cannot be one */
export const checkIdempotency = ({ key, digest, render }: Idempotency): void => {
  if (!isIdempotencyKey(key)) throw brokenMessage('a key of other than printable characters');
  if (digest.length !== digestBytes) throw brokenMessage(`a digest of ${digest.length} bytes`);
  if (render > renderMax) throw brokenMessage(`render ${render}`);
};

/** Writes it as field number `field` of the message being written. */
export const writeIdempotency = (
  writer: WireWriter,
  field: number,
  { key, digest, render }: Idempotency,
): void => {
  const start = writer.begin(field);
  writer.stringField(1, key);
  writer.bytesField(2, digest);
  if (render !== 0) writer.varintField(3, render);
  writer.end(start);
};

const nothing: Idempotency = { key: '', digest: Buffer.alloc(0), render: 0 };

/** Reads one whose tag was just read; `before` is what an earlier occurrence said. */
export const readIdempotency = (reader: WireReader, before = nothing): Idempotency => {
  let { key, digest, render } = before;
  const outer = reader.enter();
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(1, bytes)) key = reader.string();
    else if (tag === tagOf(2, bytes)) digest = reader.bytes();
    else if (tag === tagOf(3, varint)) render = reader.varint();
    else reader.skip(tag, 3);
  }
  reader.leave(outer);
  return { key, digest, render };
};

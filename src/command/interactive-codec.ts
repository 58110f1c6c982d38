// The bytes of an Interactive (command.proto) inside a command.
import { type Interactive, isTransactionId } from './command.ts';
import { brokenMessage, tagOf, type WireReader, type WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;
const seedBytes = 16;

/** @throws CodedError `bad_request` for an id or a seed that cannot be one */
export const checkInteractive = ({ id, seed }: Interactive): void => {
  if (!isTransactionId(id)) throw brokenMessage('an id that names no transaction');
  if (seed.length !== seedBytes) throw brokenMessage(`a seed of ${seed.length} bytes`);
};

/** Writes it as field number `field` of the message being written. */
export const writeInteractive = (
  writer: WireWriter,
  field: number,
  { id, fence, timeMs, seed }: Interactive,
): void => {
  const start = writer.begin(field);
  writer.stringField(1, id);
  if (fence !== 0) writer.varintField(2, fence);
  if (timeMs !== 0) writer.varintField(3, timeMs);
  writer.bytesField(4, seed);
  writer.end(start);
};

const nothing: Interactive = { id: '', fence: 0, timeMs: 0, seed: Buffer.alloc(0) };

/** Reads one whose tag was just read; `before` is what an earlier occurrence said. */
export const readInteractive = (reader: WireReader, before = nothing): Interactive => {
  let { id, fence, timeMs, seed } = before;
  const outer = reader.enter();
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(1, bytes)) id = reader.string();
    else if (tag === tagOf(2, varint)) fence = reader.varint();
    else if (tag === tagOf(3, varint)) timeMs = reader.varint();
    else if (tag === tagOf(4, bytes)) seed = reader.bytes();
    else reader.skip(tag, 4);
  }
  reader.leave(outer);
  return { id, fence, timeMs, seed };
};

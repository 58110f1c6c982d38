// The bytes of a LoadStep (load.proto). Its format number is none of a command's (1, or 2 with a
// key), which tells the two apart in the log and keeps a reader of one from taking it for the
// other.
import { invariant } from '#invariant.ts';
import { type LoadStep, loadIdBytes, loadPieceBytesMax } from './load-step.ts';
import { brokenMessage, tagOf, WireReader, WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;

const loadFormat = 3;
const digestBytes = 32;

/** A name's place, counted from 1, is its number; 0 is never sent. */
const kinds: readonly LoadStep['kind'][] = ['piece', 'database', 'command', 'abandon'];

const writer = new WireWriter();

/** Whether these bytes, where a command may stand, are a step of a load. */
export const isLoadStep = (input: Uint8Array): boolean =>
  input[0] === tagOf(1, varint) && input[1] === loadFormat;

/** A step's bytes. */
export const encodeLoadStep = (step: LoadStep): Buffer => {
  writer.start();
  writer.varintField(1, loadFormat);
  writer.varintField(2, kinds.indexOf(step.kind) + 1);
  writer.bytesField(3, step.load);
  if (step.kind !== 'abandon' && step.bytes !== 0) writer.varintField(4, step.bytes);
  if (step.kind === 'database' || step.kind === 'command') writer.bytesField(5, step.digest);
  if (step.user !== '') writer.stringField(6, step.user);
  if (step.requestId !== '') writer.stringField(7, step.requestId);
  if (step.kind !== 'piece') return writer.finish();
  invariant(
    step.data.length > 0 && step.data.length <= loadPieceBytesMax,
    'a piece holds something, and no more than a piece may',
  );
  return writer.finishWith(8, step.data);
};

/**
 * The step that `input` holds; its bytes are views into it.
 *
 * @throws CodedError `bad_request` for anything {@link encodeLoadStep} could not have made, unknown
 *   fields aside
 */
export const decodeLoadStep = (input: Uint8Array): LoadStep => {
  const reader = new WireReader(input);
  const none = Buffer.alloc(0);
  const numbers = { format: 0, kind: 0, bytes: 0 };
  const values: Record<'load' | 'digest' | 'data', Uint8Array> = {
    load: none,
    digest: none,
    data: none,
  };
  const texts = { user: '', requestId: '' };
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(8, bytes)) values.data = reader.bytes();
    else if (tag === tagOf(1, varint)) numbers.format = reader.varint();
    else if (tag === tagOf(2, varint)) numbers.kind = reader.varint();
    else if (tag === tagOf(3, bytes)) values.load = reader.bytes();
    else if (tag === tagOf(4, varint)) numbers.bytes = reader.varint();
    else if (tag === tagOf(5, bytes)) values.digest = reader.bytes();
    else if (tag === tagOf(6, bytes)) texts.user = reader.string();
    else if (tag === tagOf(7, bytes)) texts.requestId = reader.string();
    else reader.skip(tag, 8);
  }
  return stepFrom(numbers, values, texts);
};

const stepFrom = (
  numbers: { readonly format: number; readonly kind: number; readonly bytes: number },
  { load, digest, data }: Readonly<Record<'load' | 'digest' | 'data', Uint8Array>>,
  texts: { readonly user: string; readonly requestId: string },
): LoadStep => {
  if (numbers.format !== loadFormat) throw brokenMessage(`a load of format ${numbers.format}`);
  if (load.length !== loadIdBytes) throw brokenMessage(`a load's id of ${load.length} bytes`);
  const kind = kinds[numbers.kind - 1];
  if (kind === undefined) throw brokenMessage(`a step of kind ${numbers.kind}`);
  const common = { ...texts, load };
  switch (kind) {
    case 'piece':
      if (data.length === 0 || data.length > loadPieceBytesMax) {
        throw brokenMessage(`a piece of ${data.length} bytes`);
      }
      return { ...common, kind, bytes: numbers.bytes, data };
    case 'database':
    case 'command':
      if (digest.length !== digestBytes) throw brokenMessage(`a digest of ${digest.length} bytes`);
      return { ...common, kind, bytes: numbers.bytes, digest };
    case 'abandon':
      return { ...common, kind };
  }
};

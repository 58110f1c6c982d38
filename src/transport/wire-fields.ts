// Reads one message of the peer protocol into its fields, strictly: a known field must have its
// wire type, and only a repeated one may come twice. Unknown fields are skipped: a newer node may
// send them during a rolling upgrade. What the fields mean is the codecs' part.
import { WireReader, wireType } from '#command/wire.ts';
import { CodedError } from '#errors.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';

/** What a field can be. */
export type FieldType = 'varint' | 'bytes' | 'repeated';

/** Broken input; what throws it is caught by {@link decoded}. */
export const broken = (why: string): CodedError => new CodedError('bad_request', why);

/** A decoded value, or why there is none. */
export type Decoded<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'broken'; readonly why: string };

/** Runs a decoder; what it says about broken input becomes a result, anything else passes. */
export const decoded = <T>(decode: () => T): Decoded<T> => {
  try {
    return { kind: 'ok', value: decode() };
  } catch (error) {
    if (error instanceof CodedError && error.code === 'bad_request') {
      return { kind: 'broken', why: error.message };
    }
    throw error;
  }
};

/** The fields of one message. */
export class WireFields {
  readonly #varints = new Map<number, number>();
  readonly #bytes = new Map<number, Buffer[]>();

  /**
   * @param types the known fields by number
   * @param repeatedMax most elements of one repeated field
   * @throws CodedError `bad_request`
   */
  constructor(
    payload: Uint8Array,
    types: Readonly<Record<number, FieldType>>,
    repeatedMax: number,
  ) {
    const reader = new WireReader(payload);
    while (!reader.done) {
      const tag = reader.tag();
      const field = Math.floor(tag / 8);
      const type = types[field];
      if (type === undefined) {
        reader.skip(tag);
        continue;
      }
      if (tag % 8 !== (type === 'varint' ? wireType.varint : wireType.bytes)) {
        throw broken(`field ${field} has wire type ${tag % 8}`);
      }
      if (type === 'varint') {
        if (this.#varints.has(field)) throw broken(`field ${field} comes twice`);
        this.#varints.set(field, reader.varint());
        continue;
      }
      const values = this.#bytes.get(field) ?? [];
      if (values.length >= (type === 'repeated' ? repeatedMax : 1)) {
        throw broken(`field ${field} comes too often`);
      }
      values.push(reader.bytes());
      this.#bytes.set(field, values);
    }
  }

  /** A number; 0 when absent. */
  varint(field: number): number {
    return this.#varints.get(field) ?? 0;
  }

  /** A flag; false when absent. */
  flag(field: number): boolean {
    const value = this.varint(field);
    if (value > 1) throw broken(`field ${field} is no flag`);
    return value === 1;
  }

  /** Bytes, a view into the payload; empty when absent. */
  bytes(field: number): Buffer {
    return this.#bytes.get(field)?.[0] ?? Buffer.alloc(0);
  }

  /** Every element of a repeated field, views into the payload. */
  repeated(field: number): readonly Buffer[] {
    return this.#bytes.get(field) ?? [];
  }

  /** A text of printable ASCII, at most `bytesMax` long; empty when absent. */
  text(field: number, bytesMax: number): string {
    const text = this.bytes(field).toString('latin1');
    if (text.length > bytesMax || !/^[\x20-\x7e]*$/.test(text)) {
      throw broken(`field ${field} is no text of at most ${bytesMax} characters`);
    }
    return text;
  }

  /** A node's name; it must be there. */
  nodeName(field: number): NodeName {
    return nodeNameOf(this.bytes(field));
  }
}

/** A node's name from its bytes. */
export const nodeNameOf = (bytes: Buffer): NodeName => {
  const text = bytes.toString('latin1');
  if (!isNodeName(text)) throw broken('a node name is missing or malformed');
  return text;
};

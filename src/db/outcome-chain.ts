// The outcome chain: what this replica did, as one digest per applied index. Replicas compare it at
// equal index; a difference says that one of them computed something else. Codes go in, messages
// do not: their wording may change with a version.
//
// chain(index) = SHA-256(chain(index - 1), index u64, records), a record per statement: length u8
// of the result code's name and its bytes (0: success), rows affected i64, last insert id i64.
import { hash } from 'node:crypto';

/**
 * The chain is told for every entry whose index is a multiple of this, besides the last one of a
 * batch: batches differ between replicas, and chains can only be compared at equal index.
 */
export const outcomeMarkStride = 256;

/** The outcome chain after an entry. */
export interface OutcomeMark {
  readonly index: number;
  /** 32 bytes. */
  readonly chain: Uint8Array;
}

const digestBytes = 32;
const headBytes = digestBytes + 8;

const viewOf = (bytes: Buffer): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Collects the records of one entry. */
export class OutcomeChain {
  #bytes = Buffer.alloc(4096);
  // A view writes 64-bit integers several times faster than the buffer's own methods.
  #view = viewOf(this.#bytes);
  #length = headBytes;

  /** Begins entry `index` after the chain `previous`; `pending` are records it has already. */
  start(previous: Buffer, index: number, pending: Buffer): void {
    this.#length = headBytes;
    this.#bytes.set(previous.subarray(0, digestBytes));
    this.#view.setBigUint64(digestBytes, BigInt(index));
    this.#reserve(pending.length);
    this.#bytes.set(pending, this.#length);
    this.#length += pending.length;
  }

  /** A statement's record; `code` is '' for success. */
  record(code: string, rowsAffected: number, lastInsertId: bigint): void {
    this.#reserve(1 + code.length + 16);
    this.#view.setUint8(this.#length, code.length);
    this.#length += 1;
    if (code !== '') this.#length += this.#bytes.write(code, this.#length, 'latin1');
    // Rows affected are at most 2^31 - 1: the high half is zero.
    this.#view.setUint32(this.#length, 0);
    this.#view.setUint32(this.#length + 4, rowsAffected);
    this.#view.setBigInt64(this.#length + 8, lastInsertId);
    this.#length += 16;
  }

  /** The records so far, to be continued after a restart. */
  pending(): Buffer {
    return Buffer.from(this.#bytes.subarray(headBytes, this.#length));
  }

  /** The chain after this entry. */
  digest(): Buffer {
    return hash('sha256', this.#bytes.subarray(0, this.#length), 'buffer');
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.alloc(2 * (this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

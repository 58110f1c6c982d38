// random() and randomblob() while an entry is applied: a function of the entry's seed, the number
// of the statement in its command and the number of the call in that statement, so that every
// replica draws the same. Version 1 of the derivation: block(i) = SHA-256(seed, statement u32, call
// u32, block u32), all big endian. Changing it forks history: it would need a new command version.
import { hash } from 'node:crypto';

const seedBytes = 16;
const blockBytes = 32;

/** The source of one connection. */
export class RandomSource {
  readonly #input = Buffer.alloc(seedBytes + 12);
  #statement = 0;
  #call = 0;

  /** Before an entry: 16 bytes. */
  startEntry(seed: Uint8Array): void {
    this.#input.set(seed.subarray(0, seedBytes));
    this.startStatement(0);
  }

  /** Before each statement: its number in the command, from 0. */
  startStatement(number: number): void {
    this.#statement = number;
    this.#call = 0;
  }

  /** A signed 64-bit integer. */
  integer(): bigint {
    return this.#block(this.#nextCall(), 0).readBigInt64BE(0);
  }

  /** That many bytes. */
  bytes(length: number): Buffer {
    const call = this.#nextCall();
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at += blockBytes) {
      this.#block(call, at / blockBytes).copy(bytes, at);
    }
    return bytes;
  }

  #nextCall(): number {
    const call = this.#call;
    this.#call += 1;
    return call;
  }

  #block(call: number, block: number): Buffer {
    this.#input.writeUInt32BE(this.#statement, seedBytes);
    this.#input.writeUInt32BE(call >>> 0, seedBytes + 4);
    this.#input.writeUInt32BE(block, seedBytes + 8);
    return hash('sha256', this.#input, 'buffer');
  }
}

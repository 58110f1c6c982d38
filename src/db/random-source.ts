// random() and randomblob() while an entry is applied: a function of the entry's seed, the number
// of the statement in its command and the number of the call in that statement, so that every
// replica draws the same. Version 1 of the derivation, big-endian: block = SHA-256(seed, statement
// u32, call u32); random() is its first 8 bytes; up to 32 random bytes are its first ones, more are
// the stream of AES-256-CTR with the block as its key and a counter from 0. Changing it forks
// history: it would need a new version of the command.
import { createCipheriv, hash } from 'node:crypto';

const seedBytes = 16;
const blockBytes = 32;
const counterFromZero = Buffer.alloc(16);

/** The source of one connection. */
export class RandomSource {
  readonly #input = Buffer.alloc(seedBytes + 8);
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
    return this.#nextBlock().readBigInt64BE(0);
  }

  /** That many bytes. */
  bytes(length: number): Buffer {
    const block = this.#nextBlock();
    if (length <= blockBytes) return block.subarray(0, length);
    return createCipheriv('aes-256-ctr', block, counterFromZero).update(Buffer.alloc(length));
  }

  #nextBlock(): Buffer {
    this.#input.writeUInt32BE(this.#statement, seedBytes);
    this.#input.writeUInt32BE(this.#call >>> 0, seedBytes + 4);
    this.#call += 1;
    return hash('sha256', this.#input, 'buffer');
  }
}

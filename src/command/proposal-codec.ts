// The bytes of a Proposal (proposal.proto): the data of every `command` entry in the log.
import { invariant } from '#invariant.ts';
import { checkFormat, formatVersion } from './format.ts';
import type { Allocate } from './lasting-bytes.ts';
import type { Proposal } from './proposal.ts';
import { brokenMessage, tagOf, WireReader, WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;

/** Bytes of a seed. */
const seedBytes = 16;

const writer = new WireWriter();

/** A proposal's bytes: a small header, then one copy of the command. */
export const encodeProposal = (proposal: Proposal, allocate?: Allocate): Buffer => {
  invariant(proposal.seed.length === seedBytes, 'a seed has 16 bytes');
  writer.start();
  writer.varintField(1, formatVersion);
  if (proposal.timeMs !== 0) writer.varintField(2, proposal.timeMs);
  writer.bytesField(3, proposal.seed);
  return writer.finishWith(4, proposal.command, allocate);
};

/**
 * The proposal that `input` holds; seed and command are views into it.
 *
 * @throws CodedError `bad_request` for broken input; the command inside is not looked into
 */
export const decodeProposal = (input: Uint8Array): Proposal => {
  const reader = new WireReader(input);
  let format = 0;
  let timeMs = 0;
  let seed: Uint8Array = Buffer.alloc(0);
  let command: Uint8Array = seed;
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case tagOf(1, varint):
        format = reader.varint();
        break;
      case tagOf(2, varint):
        timeMs = reader.varint();
        break;
      case tagOf(3, bytes):
        seed = reader.bytes();
        break;
      case tagOf(4, bytes):
        command = reader.bytes();
        break;
      default:
        reader.skip(tag, 4);
    }
  }
  checkFormat('proposal', format);
  if (seed.length !== seedBytes) throw brokenMessage(`a seed of ${seed.length} bytes`);
  return { timeMs, seed, command };
};

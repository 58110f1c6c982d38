// What a request that may be sent again is recognised by, besides its key: a digest of what it
// asks. How long it may take and at which node it was sent are no part of it.
import { createHash } from 'node:crypto';
import type { Idempotency } from '#command/command.ts';
import { encodeCommand } from '#command/command-codec.ts';
import { renderBits } from '#command/outcome.ts';
import type { DataRequest } from './data-request.ts';

/**
 * Key and digest. Results are kept as they are first written, so how they are written is a part of
 * the digest too, but for the times in them, which are never kept.
 *
 * @throws CodedError `bad_request` as `encodeCommand` does
 */
export const idempotencyOf = (request: DataRequest): Idempotency => {
  const { idempotencyKey: key, kind, texts, statements, transaction } = request;
  const render = request.render & ~renderBits.timings;
  const asked = encodeCommand({
    texts,
    statements,
    transaction,
    schemaIndex: 0,
    changesSchema: false,
    user: '',
    requestId: '',
  });
  const digest = createHash('sha256').update(`${kind} ${render} `).update(asked).digest();
  return { key, digest, render };
};

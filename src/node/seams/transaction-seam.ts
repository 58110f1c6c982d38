// What a front says to its node about interactive transactions. Goes over the same pipe as the
// rest: its numbers start at 60.
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import type { TransactionReply } from '#http/backend.ts';
import { invariant, unreachable } from '#invariant.ts';
import type { TransactionStep } from '#node/transactions/open-transactions.ts';
import type { Method, SeamCodec } from '#process/seam.ts';
import { emptyRefusal, readRefusal, refusalFields, refusalFrom } from './front-seam.ts';

/** One writer for all: `finish` copies, and no encoding calls another one. */
const scratch = new WireWriter();

const { varint, bytes: lengthed } = wireType;

const stepKinds: readonly TransactionStep['kind'][] = ['open', 'run', 'commit', 'rollback'];

const stepCodec: SeamCodec<TransactionStep> = {
  encode: (step) => {
    const out = scratch;
    out.varintField(1, stepKinds.indexOf(step.kind));
    out.stringField(2, step.user);
    out.stringField(3, step.requestId);
    if (step.kind !== 'open') out.stringField(4, step.id);
    if (step.kind === 'commit') out.stringField(5, step.key);
    if (step.kind === 'run') {
      out.varintField(6, step.render);
      out.bytesField(7, step.command);
    }
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    let [kind, render] = [0, 0];
    const texts = ['', '', '', ''];
    let command: Buffer = Buffer.alloc(0);
    while (!input.done) {
      const tag = input.tag();
      const at = Math.floor(tag / 8);
      if (tag === 8 + varint) kind = input.varint();
      else if (tag === 48 + varint) render = input.varint();
      else if (tag === 56 + lengthed) command = Buffer.from(input.bytes());
      else if (tag % 8 === lengthed && at <= 5) texts[at - 2] = input.string();
      else input.skip(tag);
    }
    const [user = '', requestId = '', id = '', key = ''] = texts;
    const from = { user, requestId };
    const said = stepKinds[kind];
    if (said === 'run') return { kind: said, ...from, id, command, render };
    if (said === 'commit') return { kind: said, ...from, id, key };
    return said === 'rollback' ? { kind: said, ...from, id } : { kind: 'open', ...from };
  },
};

type Said = Exclude<TransactionReply, { readonly kind: 'refused' }>;

const replyKinds: readonly Said['kind'][] = [
  'opened',
  'ran',
  'committed',
  'rolled-back',
  'schema-changed',
];

const indexOf = (reply: Said): number => {
  if (reply.kind === 'committed') return reply.index;
  return reply.kind === 'schema-changed' ? reply.schemaIndex : 0;
};

const replyCodec: SeamCodec<TransactionReply> = {
  encode: (reply) => {
    const out = scratch;
    if (reply.kind === 'refused') {
      refusalFields(out, reply);
      return out.finish();
    }
    out.varintField(4, replyKinds.indexOf(reply.kind));
    out.varintField(5, indexOf(reply));
    if (reply.kind === 'opened') out.stringField(6, reply.id);
    if (reply.kind === 'ran') out.bytesField(7, reply.json);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    const draft = emptyRefusal();
    let [kind, index] = [0, 0];
    let id = '';
    let json: Buffer = Buffer.alloc(0);
    while (!input.done) {
      const tag = input.tag();
      if (readRefusal(input, tag, draft)) continue;
      if (tag === 32 + varint) kind = input.varint();
      else if (tag === 40 + varint) index = input.varint();
      else if (tag === 48 + lengthed) id = input.string();
      else if (tag === 56 + lengthed) json = Buffer.from(input.bytes());
      else input.skip(tag);
    }
    if (draft.code !== '') return refusalFrom(draft);
    const said = replyKinds[kind];
    invariant(said !== undefined, 'both ends of a seam are of one version');
    switch (said) {
      case 'opened':
        return { kind: said, id };
      case 'ran':
        return { kind: said, json };
      case 'committed':
        return { kind: said, index };
      case 'rolled-back':
        return { kind: said };
      case 'schema-changed':
        return { kind: said, schemaIndex: index };
      default:
        return unreachable(said);
    }
  },
};

/** Front to node: a step of an interactive transaction. */
export const transact: Method<TransactionStep, TransactionReply> = {
  kind: 60,
  request: stepCodec,
  reply: replyCodec,
};

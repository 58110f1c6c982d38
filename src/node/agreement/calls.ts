// What nodes ask each other about agreement, over the calls of the peer protocol, in JSON: it is
// rare, and read by nobody else. An answer that is not in order is none.
import type { TableHash } from '#db/content-hash.ts';
import type { ContentHash } from '#db/reader.ts';
import type { NodeName } from '#identity/node-name.ts';
import { peerCalls } from '#node/peer-calls.ts';
import type { Transport } from '#transport/transport.ts';
import { digestEntriesMax } from './bounds.ts';
import { JsonFields } from './json-fields.ts';

/** One question: its number, and how both sides read what they get. */
export interface AgreementCall<Request, Reply> {
  readonly method: number;
  readonly readRequest: (fields: JsonFields) => Request;
  readonly readReply: (fields: JsonFields) => Reply;
}

/** Whether something that was asked for is done, or will be. */
export interface Done {
  readonly done: boolean;
}

/** A content check by its id: 32 hexadecimal digits. */
export interface CheckId {
  readonly id: string;
}

/** What came of a node's part of a content check; `content` undefined: why there is none. */
export interface HashedPart {
  readonly content: ContentHash | undefined;
  readonly reason: string;
}

/** The digest of one entry of a log. */
export interface EntryDigest {
  readonly index: number;
  readonly digest: string;
}

const idLength = 32;
const digestLength = 64;
const sentenceMax = 1000;
/** SQLite's own bound on the number of tables is far lower in practice; a name has at most this. */
const tablesMax = 100_000;
const tableNameMax = 10_000;
/** A report names every member a few times. */
const reportMax = 4 * 1024 * 1024;

const readId = (fields: JsonFields): CheckId => ({ id: fields.text('id', idLength) });
const readDone = (fields: JsonFields): Done => ({ done: fields.flag('done') });

const readTable = (fields: JsonFields): TableHash => ({
  name: fields.text('name', tableNameMax),
  rows: fields.count('rows'),
  digest: fields.text('digest', digestLength),
});

const readContent = (fields: JsonFields): ContentHash => ({
  appliedIndex: fields.count('appliedIndex'),
  appliedTerm: fields.count('appliedTerm'),
  schemaIndex: fields.count('schemaIndex'),
  outcomeChain: fields.text('outcomeChain', digestLength),
  digest: fields.text('digest', digestLength),
  schemaDigest: fields.text('schemaDigest', digestLength),
  rows: fields.count('rows'),
  tables: fields.list('tables', tablesMax, readTable),
});

/** Leader to all: get ready for the content check of this id. */
export const prepareCheck: AgreementCall<CheckId, Done> = {
  method: peerCalls.prepareCheck,
  readRequest: readId,
  readReply: readDone,
};

/** Leader to all: what came of it, once that is known. */
export const collectCheck: AgreementCall<CheckId, HashedPart> = {
  method: peerCalls.collectCheck,
  readRequest: readId,
  readReply: (fields) => ({
    content: fields.object('content', readContent),
    reason: fields.text('reason', sentenceMax),
  }),
};

/** Leader to a follower: your data is not that of the others. */
export const orderQuarantine: AgreementCall<
  { readonly reason: string; readonly index: number },
  Done
> = {
  method: peerCalls.orderQuarantine,
  readRequest: (fields) => ({
    reason: fields.text('reason', sentenceMax),
    index: fields.count('index'),
  }),
  readReply: readDone,
};

/** Follower to leader: send an image, whatever the log says. */
export const askForImage: AgreementCall<Record<string, never>, Done> = {
  method: peerCalls.askForImage,
  readRequest: () => ({}),
  readReply: readDone,
};

/** Follower to leader: the report of /consistency as text, with a new check when asked to. */
export const askForReport: AgreementCall<
  { readonly check: boolean; readonly waitMs: number },
  { readonly report: string }
> = {
  method: peerCalls.askForReport,
  readRequest: (fields) => ({ check: fields.flag('check'), waitMs: fields.count('waitMs') }),
  readReply: (fields) => ({ report: fields.text('report', reportMax) }),
};

/** Follower to leader: what these entries of your log are; those that are gone are left out. */
export const askForDigests: AgreementCall<
  { readonly from: number; readonly through: number },
  { readonly entries: readonly EntryDigest[] }
> = {
  method: peerCalls.askForDigests,
  readRequest: (fields) => ({ from: fields.count('from'), through: fields.count('through') }),
  readReply: (fields) => ({
    entries: fields.list('entries', digestEntriesMax, (entry) => ({
      index: entry.count('index'),
      digest: entry.text('digest', digestLength),
    })),
  }),
};

/** Asks a peer; undefined when it does not answer, or not in order. Never rejects. */
export const askPeer = <Request, Reply>(
  transport: Pick<Transport, 'call'>,
  to: NodeName,
  { method, readReply }: AgreementCall<Request, Reply>,
  request: Request,
  deadlineMs: number,
): Promise<Reply | undefined> =>
  new Promise((resolve) => {
    const payload = Buffer.from(JSON.stringify(request));
    transport.call(to, method, payload, deadlineMs, (answer) => {
      resolve(answer.kind === 'failed' ? undefined : JsonFields.from(answer.payload, readReply));
    });
  });

/** Answers one kind of call; false when `method` is another one. */
export const answerCall = <Request, Reply>(
  call: AgreementCall<Request, Reply>,
  method: number,
  payload: Buffer,
  reply: (payload: Uint8Array) => void,
  answer: (request: Request) => Promise<Reply>,
): boolean => {
  if (method !== call.method) return false;
  const request = JsonFields.from(payload, call.readRequest);
  // A peer that asks what cannot be read waits for its deadline.
  if (request !== undefined) {
    void answer(request).then((value) => reply(Buffer.from(JSON.stringify(value))));
  }
  return true;
};

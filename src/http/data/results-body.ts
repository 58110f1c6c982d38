// The body of an answer with results: rqlite's keys in rqlite's order, those that are empty left
// out. The elements of `results` come as bytes from reader or writer and are copied once.
import { goJsonString, prettyJson } from '#http/go-json.ts';

const head = Buffer.from('{"results":[');

/** What stands beside the results. */
export interface BodyTail {
  /** Empty: left out. */
  readonly error: string;
  /** Undefined: left out. */
  readonly seconds: number | undefined;
  /** Of a queued write; undefined: left out. */
  readonly sequence?: bigint;
  /** 0: left out. */
  readonly raftIndex: number;
}

/** The whole body. */
export const resultsBody = (json: Uint8Array, tail: BodyTail, pretty: boolean): Buffer => {
  const error = tail.error === '' ? '' : `,"error":${goJsonString(tail.error)}`;
  const time = tail.seconds === undefined || tail.seconds === 0 ? '' : `,"time":${tail.seconds}`;
  const index = tail.raftIndex === 0 ? '' : `,"raft_index":${tail.raftIndex}`;
  const sequence = tail.sequence === undefined ? '' : `,"sequence_number":${tail.sequence}`;
  const end = `]${error}${time}${sequence}${index}}`;
  const endBytes = error === '' ? end.length : Buffer.byteLength(end);
  const body = Buffer.allocUnsafe(head.length + json.length + endBytes);
  head.copy(body);
  body.set(json, head.length);
  body.write(end, head.length + json.length);
  return pretty ? Buffer.from(prettyJson(body.toString('utf8'))) : body;
};

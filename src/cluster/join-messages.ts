// The messages of the join listener (src/command/join.proto). Input is hostile on both sides: a
// node hears strangers, a newcomer hears whoever answers.
import { hash } from 'node:crypto';
import { checkFormat, formatVersion } from '#command/format.ts';
import { WireWriter } from '#command/wire.ts';
import { type Decoded, decoded, type FieldType, WireFields } from '#transport/wire-fields.ts';
import { joinRequestBytesMax } from './bounds.ts';

/** Kinds of frames, in the order in which they are said. */
export const joinFrame = { offer: 1, request: 2, answer: 3, refusal: 4 } as const;

/** What a newcomer asks for, without its signature. */
export interface JoinClaim {
  readonly cluster: string;
  readonly name: string;
  readonly storeId: string;
  /** host:port */
  readonly peerAddress: string;
  /** https://host:port */
  readonly apiUrl: string;
  /** PKCS#10, PEM. */
  readonly peerRequest: string;
  readonly httpsRequest: string;
  readonly probe: Uint8Array;
}

/** A claim and the proof that the token's holder made it on this connection. */
export interface JoinRequest extends JoinClaim {
  readonly signature: Uint8Array;
}

/** What a new member gets; PEM but for the record. */
export interface JoinAnswer {
  readonly peerCertificate: string;
  readonly peerCa: string;
  readonly httpsCertificate: string;
  readonly clientCa: string;
  readonly authFile: string;
  /** Encoded cluster record. */
  readonly clusterRecord: Uint8Array;
}

/** Why somebody is no member. */
export interface JoinRefusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** The label of the keying material that binds a proof to its connection (RFC 9266's idea). */
export const bindingLabel = 'stockade-join';
export const bindingBytes = 32;

const writer = new WireWriter();

/** A message whose fields from 2 on are these, in order. */
const messageOf = (fields: readonly (string | Uint8Array)[]): Buffer => {
  writer.start();
  writer.varintField(1, formatVersion);
  fields.forEach((field, at) => {
    if (field.length === 0) return;
    if (typeof field === 'string') writer.stringField(at + 2, field);
    else writer.bytesField(at + 2, field);
  });
  return writer.finish();
};

const typesOf = (count: number): Readonly<Record<number, FieldType>> => ({
  1: 'varint',
  ...Object.fromEntries(Array.from({ length: count }, (_, at) => [at + 2, 'bytes' as const])),
});

const fieldsOf = (what: string, payload: Uint8Array, count: number): WireFields => {
  const fields = new WireFields(payload, typesOf(count), 1);
  checkFormat(what, fields.varint(1));
  return fields;
};

const pem = (text: string): Buffer => Buffer.from(text, 'utf8');

/** Printable text of any length the frame allows. */
const textOf = (fields: WireFields, field: number): string =>
  fields.text(field, joinRequestBytesMax);

/** The peer CA, for a newcomer to compare. */
export const encodeOffer = (ca: string): Buffer => messageOf([pem(ca)]);

/** The PEM text of an offer. */
export const decodeOffer = (payload: Uint8Array): Decoded<string> =>
  decoded(() => fieldsOf('join offer', payload, 1).bytes(2).toString('utf8'));

const claimFields = (claim: JoinClaim): readonly (string | Uint8Array)[] => [
  claim.cluster,
  claim.name,
  claim.storeId,
  claim.peerAddress,
  claim.apiUrl,
  pem(claim.peerRequest),
  pem(claim.httpsRequest),
  claim.probe,
];

/** A newcomer's request. */
export const encodeRequest = (request: JoinRequest): Buffer =>
  messageOf([...claimFields(request), request.signature]);

/** A request, or why it is none. */
export const decodeRequest = (payload: Uint8Array): Decoded<JoinRequest> =>
  decoded(() => {
    const fields = fieldsOf('join request', payload, 9);
    return {
      cluster: textOf(fields, 2),
      name: textOf(fields, 3),
      storeId: textOf(fields, 4),
      peerAddress: textOf(fields, 5),
      apiUrl: textOf(fields, 6),
      peerRequest: fields.bytes(7).toString('latin1'),
      httpsRequest: fields.bytes(8).toString('latin1'),
      probe: Buffer.from(fields.bytes(9)),
      signature: Buffer.from(fields.bytes(10)),
    };
  });

/** What a new member gets. */
export const encodeAnswer = (answer: JoinAnswer): Buffer =>
  messageOf([
    pem(answer.peerCertificate),
    pem(answer.peerCa),
    pem(answer.httpsCertificate),
    pem(answer.clientCa),
    pem(answer.authFile),
    answer.clusterRecord,
  ]);

/** An answer, or why it is none. */
export const decodeAnswer = (payload: Uint8Array): Decoded<JoinAnswer> =>
  decoded(() => {
    const fields = fieldsOf('join answer', payload, 6);
    const text = (field: number): string => fields.bytes(field).toString('utf8');
    return {
      peerCertificate: text(2),
      peerCa: text(3),
      httpsCertificate: text(4),
      clientCa: text(5),
      authFile: text(6),
      clusterRecord: Buffer.from(fields.bytes(7)),
    };
  });

/** Anything but printable ASCII would be shown on somebody's terminal. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000);

/** Why somebody is no member. */
export const encodeRefusal = ({ code, message, hint }: JoinRefusal): Buffer =>
  messageOf([printable(code), printable(message), printable(hint)]);

/** A refusal, or why it is none. */
export const decodeRefusal = (payload: Uint8Array): Decoded<JoinRefusal> =>
  decoded(() => {
    const fields = fieldsOf('join refusal', payload, 3);
    return { code: textOf(fields, 2), message: textOf(fields, 3), hint: textOf(fields, 4) };
  });

/**
 * What the token's key signs: all that is asked for, the key that the handshake proved, and keying
 * material of this very connection. A proof that somebody relays fails on his own connection.
 */
export const proofOf = (claim: JoinClaim, keyPin: string, binding: Uint8Array): Buffer =>
  hash(
    'sha512',
    Buffer.concat(
      [`${bindingLabel}/1`, ...claimFields(claim), keyPin, binding].flatMap((part) => {
        const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
        const length = Buffer.alloc(4);
        length.writeUInt32BE(bytes.length);
        return [length, bytes];
      }),
    ),
    'buffer',
  );

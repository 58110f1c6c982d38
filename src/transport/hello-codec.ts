// The first frame of either side of a connection, and the last one when it is refused. A hello
// never proves anything: the name in it must be the certificate's.
import { WireWriter } from '#command/wire.ts';
import { type ClusterId, clusterIdFrom } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import { type StoreId, storeIdFrom } from '#identity/store-id.ts';
import { addressBytesMax, engineBytesMax, reasonBytesMax } from './bounds.ts';
import type { ConnectionKind } from './frame-kind.ts';
import { broken, type Decoded, decoded, type FieldType, WireFields } from './wire-fields.ts';

/** The version of frames and of the greeting. */
export const protocolVersion = 1;

/** What a node says of itself. */
export interface Hello {
  readonly version: number;
  readonly cluster: ClusterId;
  readonly name: NodeName;
  readonly storeId: StoreId;
  /** 16 random bytes of this run of the node, hexadecimal. */
  readonly boot: string;
  readonly connection: ConnectionKind;
  readonly featureLevel: number;
  readonly engine: string;
  /** host:port under which the node's peer port is reached; may be empty. */
  readonly address: string;
}

const idBytes = 16;

/** ConnectionKind on the wire. */
const connectionNumbers: Readonly<Record<ConnectionKind, number>> = {
  heartbeat: 1,
  bulk: 2,
  image: 3,
};

const helloFields: Readonly<Record<number, FieldType>> = {
  1: 'varint',
  2: 'bytes',
  3: 'bytes',
  4: 'bytes',
  5: 'bytes',
  6: 'varint',
  7: 'varint',
  8: 'bytes',
  9: 'bytes',
};

/** The payload of a hello frame. */
export const encodeHello = (hello: Hello): Buffer => {
  const writer = new WireWriter();
  writer.varintField(1, hello.version);
  writer.bytesField(2, Buffer.from(hello.cluster, 'hex'));
  writer.stringField(3, hello.name);
  writer.bytesField(4, Buffer.from(hello.storeId, 'hex'));
  writer.bytesField(5, Buffer.from(hello.boot, 'hex'));
  writer.varintField(6, connectionNumbers[hello.connection]);
  writer.varintField(7, hello.featureLevel);
  writer.stringField(8, hello.engine);
  writer.stringField(9, hello.address);
  return writer.finish();
};

const idOf = (bytes: Buffer): string => {
  if (bytes.length !== idBytes) throw broken(`an id of ${bytes.length} bytes, not ${idBytes}`);
  return bytes.toString('hex');
};

const connectionKindOf = (value: number): ConnectionKind => {
  if (value === connectionNumbers.heartbeat) return 'heartbeat';
  if (value === connectionNumbers.bulk) return 'bulk';
  if (value === connectionNumbers.image) return 'image';
  throw broken(`connection kind ${value}`);
};

/**
 * A hello; of another protocol version nothing but the version is read, for its fields may mean
 * something else.
 */
export const decodeHello = (payload: Buffer): Decoded<Hello> =>
  decoded(() => {
    const version = new WireFields(payload, { 1: 'varint' }, 1).varint(1);
    if (version !== protocolVersion) {
      throw broken(`it speaks version ${version} of the protocol, this node ${protocolVersion}`);
    }
    const fields = new WireFields(payload, helloFields, 1);
    return {
      version,
      cluster: clusterIdFrom(idOf(fields.bytes(2))),
      name: fields.nodeName(3),
      storeId: storeIdFrom(idOf(fields.bytes(4))),
      boot: idOf(fields.bytes(5)),
      connection: connectionKindOf(fields.varint(6)),
      featureLevel: fields.varint(7),
      engine: fields.text(8, engineBytesMax),
      address: fields.text(9, addressBytesMax),
    };
  });

/** The payload of a refusal; what is not printable ASCII becomes `?`. */
export const encodeRefusal = (reason: string): Buffer => {
  const writer = new WireWriter();
  writer.stringField(1, reason.replace(/[^\x20-\x7e]/g, '?').slice(0, reasonBytesMax));
  return writer.finish();
};

/** The reason in a refusal. */
export const decodeRefusal = (payload: Buffer): Decoded<string> =>
  decoded(() => new WireFields(payload, { 1: 'bytes' }, 1).text(1, reasonBytesMax));

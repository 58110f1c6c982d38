// The bytes of what the cluster knows of its members, and of who may become one
// (configuration.proto). Fields of a later version are kept and written back: during a rolling
// upgrade a leader of an older version must not lose them for everybody.
import { pushBounded, tooMany } from './bounded-list.ts';
import { membersMax } from './configuration-codec.ts';
import { checkFormat, formatVersion } from './format.ts';
import type {
  ClusterRecord,
  DeniedRecord,
  GrantRecord,
  MemberRecord,
  TombstoneRecord,
} from './member.ts';
import { brokenMessage, tagOf, WireReader, WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;

/** Grants in one record: a token lives for minutes, and nobody pastes more than a few dozen. */
export const grantsMax = 64;
/** Tombstones in one record: the oldest are dropped beyond it, by whoever adds one. */
export const tombstonesMax = 256;
/** Denials in one record: none is ever dropped, so the next one is refused. */
export const deniedMax = 512;

const writer = new WireWriter();

const text = (field: number, value: string): void => {
  if (value !== '') writer.stringField(field, value);
};

const number = (field: number, value: number): void => {
  if (value !== 0) writer.varintField(field, value);
};

const later = (value: Uint8Array | undefined): void => {
  if (value !== undefined) writer.fields(value);
};

const checkNames = (items: readonly { readonly name: string }[], what: string, max: number) => {
  if (items.length > max) throw tooMany(what, max);
  if (items.some(({ name }) => name === '')) throw brokenMessage(`one of the ${what} has no name`);
};

/** Whoever wrote neither or both meant something that cannot be carried out. */
const checkDenied = (denied: readonly DeniedRecord[]): void => {
  if (denied.length > deniedMax) throw tooMany('denials', deniedMax);
  if (denied.some(({ name, serial }) => (name === '') === (serial === ''))) {
    throw brokenMessage('a denial names a node or a certificate');
  }
};

const checkRecord = ({ members, grants, tombstones, denied }: ClusterRecord): void => {
  checkNames(members, 'members', membersMax);
  checkNames(grants, 'grants', grantsMax);
  checkNames(tombstones, 'tombstones', tombstonesMax);
  checkDenied(denied);
};

/**
 * A cluster record's bytes.
 *
 * @throws CodedError `bad_request` for an empty name or more than 256 members, 64 grants, 256
 *   tombstones or 512 denials, or a denial of nothing
 */
export const encodeClusterRecord = (record: ClusterRecord): Buffer => {
  checkRecord(record);
  writer.start();
  writer.varintField(1, formatVersion);
  for (const member of record.members) {
    const start = writer.begin(2);
    text(1, member.name);
    text(2, member.storeId);
    text(3, member.keyPin);
    text(4, member.peerAddress);
    text(5, member.apiUrl);
    number(6, member.readReplica === true ? 1 : 0);
    later(member.later);
    writer.end(start);
  }
  if (record.settings !== undefined && record.settings.length > 0)
    writer.bytesField(3, record.settings);
  for (const grant of record.grants) {
    const start = writer.begin(4);
    text(1, grant.name);
    text(2, grant.publicKey);
    number(3, grant.expiresMs);
    number(4, grant.readReplica ? 1 : 0);
    number(5, grant.usedMs);
    text(6, grant.usedFrom);
    later(grant.later);
    writer.end(start);
  }
  for (const tombstone of record.tombstones) {
    const start = writer.begin(5);
    text(1, tombstone.name);
    text(2, tombstone.storeId);
    text(3, tombstone.keyPin);
    later(tombstone.later);
    writer.end(start);
  }
  for (const denial of record.denied) {
    const start = writer.begin(6);
    text(1, denial.name);
    text(2, denial.serial);
    text(3, denial.issuer);
    number(4, denial.deniedMs);
    text(5, denial.reason);
    text(6, denial.keyPin ?? '');
    later(denial.later);
    writer.end(start);
  }
  later(record.later);
  return writer.finish();
};

/** Collects the fields that nobody here knows. */
class Later {
  readonly #fields: Buffer[] = [];

  add(field: Buffer): void {
    this.#fields.push(field);
  }

  /** For spreading into a record; copied, because the input belongs to somebody else. */
  get kept(): { readonly later?: Uint8Array } {
    return this.#fields.length === 0 ? {} : { later: Buffer.concat(this.#fields) };
  }
}

/** Reads an embedded message: `field` takes what it knows, the rest is kept. */
const readInto = (
  reader: WireReader,
  knownMax: number,
  field: (tag: number) => boolean,
): { readonly later?: Uint8Array } => {
  const unknown = new Later();
  const outer = reader.enter();
  while (!reader.done) {
    const tag = reader.tag();
    if (!field(tag)) unknown.add(reader.skipped(tag, knownMax));
  }
  reader.leave(outer);
  return unknown.kept;
};

const readMember = (reader: WireReader): MemberRecord => {
  const member = { name: '', storeId: '', keyPin: '', peerAddress: '', apiUrl: '' };
  let readReplica = false;
  const kept = readInto(reader, 6, (tag) => {
    if (tag === tagOf(1, bytes)) member.name = reader.string();
    else if (tag === tagOf(2, bytes)) member.storeId = reader.string();
    else if (tag === tagOf(3, bytes)) member.keyPin = reader.string();
    else if (tag === tagOf(4, bytes)) member.peerAddress = reader.string();
    else if (tag === tagOf(5, bytes)) member.apiUrl = reader.string();
    else if (tag === tagOf(6, varint)) readReplica = reader.varint() !== 0;
    else return false;
    return true;
  });
  return { ...member, ...(readReplica ? { readReplica } : {}), ...kept };
};

const readGrant = (reader: WireReader): GrantRecord => {
  const grant = {
    name: '',
    publicKey: '',
    expiresMs: 0,
    readReplica: false,
    usedMs: 0,
    usedFrom: '',
  };
  const kept = readInto(reader, 6, (tag) => {
    if (tag === tagOf(1, bytes)) grant.name = reader.string();
    else if (tag === tagOf(2, bytes)) grant.publicKey = reader.string();
    else if (tag === tagOf(3, varint)) grant.expiresMs = reader.varint();
    else if (tag === tagOf(4, varint)) grant.readReplica = reader.varint() !== 0;
    else if (tag === tagOf(5, varint)) grant.usedMs = reader.varint();
    else if (tag === tagOf(6, bytes)) grant.usedFrom = reader.string();
    else return false;
    return true;
  });
  return { ...grant, ...kept };
};

const readTombstone = (reader: WireReader): TombstoneRecord => {
  const tombstone = { name: '', storeId: '', keyPin: '' };
  const kept = readInto(reader, 3, (tag) => {
    if (tag === tagOf(1, bytes)) tombstone.name = reader.string();
    else if (tag === tagOf(2, bytes)) tombstone.storeId = reader.string();
    else if (tag === tagOf(3, bytes)) tombstone.keyPin = reader.string();
    else return false;
    return true;
  });
  return { ...tombstone, ...kept };
};

const readDenied = (reader: WireReader): DeniedRecord => {
  const denial = { name: '', serial: '', issuer: '', deniedMs: 0, reason: '' };
  let keyPin = '';
  const kept = readInto(reader, 6, (tag) => {
    if (tag === tagOf(1, bytes)) denial.name = reader.string();
    else if (tag === tagOf(2, bytes)) denial.serial = reader.string();
    else if (tag === tagOf(3, bytes)) denial.issuer = reader.string();
    else if (tag === tagOf(4, varint)) denial.deniedMs = reader.varint();
    else if (tag === tagOf(5, bytes)) denial.reason = reader.string();
    else if (tag === tagOf(6, bytes)) keyPin = reader.string();
    else return false;
    return true;
  });
  return { ...denial, ...(keyPin === '' ? {} : { keyPin }), ...kept };
};

/**
 * The cluster record that `input` holds.
 *
 * @throws CodedError `bad_request` for anything {@link encodeClusterRecord} could not have made,
 *   fields of a later version aside
 */
export const decodeClusterRecord = (input: Uint8Array): ClusterRecord => {
  const reader = new WireReader(input);
  const members: MemberRecord[] = [];
  const grants: GrantRecord[] = [];
  const tombstones: TombstoneRecord[] = [];
  const denied: DeniedRecord[] = [];
  const unknown = new Later();
  let settings: Pick<ClusterRecord, 'settings'> = {};
  let format = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(1, varint)) format = reader.varint();
    else if (tag === tagOf(2, bytes)) {
      pushBounded(members, readMember(reader), membersMax, 'members');
    } else if (tag === tagOf(3, bytes)) {
      const found = Buffer.from(reader.bytes());
      settings = found.length > 0 ? { settings: found } : {};
    } else if (tag === tagOf(4, bytes)) {
      pushBounded(grants, readGrant(reader), grantsMax, 'grants');
    } else if (tag === tagOf(5, bytes)) {
      pushBounded(tombstones, readTombstone(reader), tombstonesMax, 'tombstones');
    } else if (tag === tagOf(6, bytes)) {
      pushBounded(denied, readDenied(reader), deniedMax, 'denials');
    } else unknown.add(reader.skipped(tag, 6));
  }
  checkFormat('cluster record', format);
  const record = { members, ...settings, grants, tombstones, denied, ...unknown.kept };
  checkRecord(record);
  return record;
};

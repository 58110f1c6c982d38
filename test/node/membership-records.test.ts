// What changes of membership make of the cluster's record, and which are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deniedMax, grantsMax, tombstonesMax } from '#command/cluster-record-codec.ts';
import { type ClusterRecord, type GrantRecord, noClusterRecord } from '#command/member.ts';
import {
  asVoter,
  withAddresses,
  withDenied,
  withGrants,
  withMember,
  withoutDenied,
  withoutMember,
} from '#node/membership-records.ts';

const nowMs = 1_800_000_000_000;
const at = { nowMs, from: '192.0.2.7:40000' };

const grantOf = (name: string, changes: Partial<GrantRecord> = {}): GrantRecord => ({
  name,
  publicKey: `key of ${name}`,
  expiresMs: nowMs + 60_000,
  readReplica: false,
  usedMs: 0,
  usedFrom: '',
  ...changes,
});

const memberOf = (name: string) => ({
  name,
  storeId: `disk of ${name}`,
  keyPin: `pin of ${name}`,
  peerAddress: `${name}.lan:4002`,
  apiUrl: `https://${name}.lan:4001`,
});

const one: ClusterRecord = { ...noClusterRecord, members: [memberOf('n1')] };
const granted = withGrants(one, [grantOf('n2')], nowMs);
const joined = withMember(granted, 'key of n2', memberOf('n2'), at);

const denied = (message: RegExp) => ({ code: 'permission_denied', message });

test('a grant and its member become one record: the grant is used, the member is there', () => {
  assert.deepEqual(
    joined.members.map(({ name }) => name),
    ['n1', 'n2'],
  );
  assert.deepEqual(joined.grants, [grantOf('n2', { usedMs: nowMs, usedFrom: at.from })]);
});

test('ID-05 a grant is refused for another name, when expired, when used and when unknown', () => {
  assert.throws(
    () => withMember(granted, 'key of n2', memberOf('n3'), at),
    denied(/is for n2, not for n3/),
  );
  assert.throws(
    () => withMember(granted, 'key of n2', memberOf('n2'), { ...at, nowMs: nowMs + 240_001 }),
    denied(/expired 3 minutes ago/),
  );
  const other = { ...memberOf('n2'), keyPin: 'another key' };
  assert.throws(
    () => withMember(joined, 'key of n2', other, at),
    denied(/has been used, at 2027-01-15T08:00:00.000Z from 192.0.2.7:40000/),
  );
  assert.throws(
    () => withMember(joined, 'key of n2', { ...memberOf('n2'), storeId: 'another disk' }, at),
    denied(/has been used/),
  );
  assert.throws(() => withMember(granted, 'another key', memberOf('n2'), at), denied(/not known/));
});

test('a joiner whose answer was lost is a member already and changes nothing, even after the end of its grant', () => {
  assert.equal(
    withMember(joined, 'key of n2', memberOf('n2'), { ...at, nowMs: nowMs + 3_600_000 }),
    joined,
  );
});

test('ID-06 disk and key of a removed member are not let in again, its name with new ones is', () => {
  const removed = withoutMember(joined, 'n2');
  assert.deepEqual(
    removed.members.map(({ name }) => name),
    ['n1'],
  );
  const again = withGrants(removed, [grantOf('n2', { publicKey: 'second' })], nowMs);
  for (const part of [{ keyPin: 'a new key' }, { storeId: 'a new disk' }]) {
    assert.throws(
      () => withMember(again, 'second', { ...memberOf('n2'), ...part }, at),
      denied(/was removed/),
    );
  }
  const fresh = { ...memberOf('n2'), keyPin: 'a new key', storeId: 'a new disk' };
  assert.equal(withMember(again, 'second', fresh, at).members.length, 2);
});

test("ID-05 a removed member's used grant does not let anybody in", () => {
  const removed = withoutMember(joined, 'n2');
  assert.throws(
    () => withMember(removed, 'key of n2', memberOf('n2'), at),
    denied(/has been used/),
  );
});

test("a newcomer with another member's disk or key is refused: its removal would bury that member", () => {
  for (const part of [{ storeId: 'disk of n1' }, { keyPin: 'pin of n1' }]) {
    assert.throws(
      () => withMember(granted, 'key of n2', { ...memberOf('n2'), ...part }, at),
      denied(/is another member's/),
    );
  }
});

test('a second grant for a name makes the first one void; a member needs none', () => {
  const twice = withGrants(granted, [grantOf('n2', { publicKey: 'second' })], nowMs);
  assert.throws(() => withMember(twice, 'key of n2', memberOf('n2'), at), denied(/not known/));
  assert.throws(() => withGrants(one, [grantOf('n1')], nowMs), { code: 'already_exists' });
});

test('grants are bounded and forgotten a day after their end', () => {
  const many = Array.from({ length: grantsMax }, (_, at) => grantOf(`m${at}`));
  const full = withGrants(one, many, nowMs);
  assert.throws(() => withGrants(full, [grantOf('n2')], nowMs), { code: 'queue_full' });
  const later = withGrants(full, [grantOf('n2')], nowMs + 60_000 + 24 * 3_600_000);
  assert.deepEqual(later.grants, [grantOf('n2')]);
});

test('a read replica is recorded as one, because its grant says so', () => {
  const record = withGrants(one, [grantOf('n2', { readReplica: true })], nowMs);
  const { members } = withMember(record, 'key of n2', memberOf('n2'), at);
  assert.equal(members[1]?.readReplica, true);
});

test('tombstones are bounded: the oldest goes', () => {
  const tombstones = Array.from({ length: tombstonesMax }, (_, at) => ({
    name: `old${at}`,
    storeId: '',
    keyPin: '',
  }));
  const { tombstones: after } = withoutMember({ ...joined, tombstones }, 'n2');
  assert.equal(after.length, tombstonesMax);
  assert.equal(after[0]?.name, 'old1');
  assert.equal(after.at(-1)?.name, 'n2');
});

test('a read replica that is promoted is as any other member, and who is none is named', () => {
  const replicas = { ...one, members: [memberOf('n1'), { ...memberOf('r1'), readReplica: true }] };
  assert.deepEqual(asVoter(replicas, 'r1').members, [memberOf('n1'), memberOf('r1')]);
  assert.throws(() => asVoter(replicas, 'r2'), { code: 'not_found', message: /no member r2/ });
});

test('a new address replaces the old one and nothing else; the same one changes nothing', () => {
  const moved = { peerAddress: '192.0.2.9:4002', apiUrl: 'https://192.0.2.9:4001' };
  assert.deepEqual(withAddresses(one, 'n1', moved).members, [{ ...memberOf('n1'), ...moved }]);
  assert.equal(withAddresses(one, 'n1', memberOf('n1')), one);
  assert.throws(() => withAddresses(one, 'n2', moved), { code: 'not_found' });
});

const nobody = { name: '', serial: '', issuer: '' };

test('REV-01 denials are added once, keep their reason, and are lifted by what they name', () => {
  const n2 = { ...nobody, name: 'n2' };
  const leaf = { ...nobody, serial: 'A1', issuer: 'ca' };
  const record = withDenied(joined, [n2, leaf], { reason: 'stolen', nowMs });
  assert.deepEqual(record.denied, [
    { ...n2, deniedMs: nowMs, reason: 'stolen' },
    { ...leaf, deniedMs: nowMs, reason: 'stolen' },
  ]);
  assert.equal(withDenied(record, [n2, leaf], { reason: 'again', nowMs: nowMs + 1 }), record);
  // Of any authority is more than of one.
  const any = { ...leaf, issuer: '' };
  assert.equal(withDenied(record, [any], { reason: '', nowMs }).denied.length, 3);
  assert.deepEqual(
    withoutDenied(record, [n2]).denied.map(({ serial }) => serial),
    ['A1'],
  );
  assert.throws(() => withoutDenied(joined, [n2]), { code: 'not_found' });
});

test('a name that is neither a member nor invited is not denied: it would look like safety', () => {
  const nope = [{ ...nobody, name: 'nope' }];
  assert.throws(() => withDenied(joined, nope, { reason: '', nowMs }), {
    code: 'not_found',
    message: 'there is no member nope',
  });
});

test('REV-07 REV-08 the deny-list forgets nothing and never expires: beyond its bound the next denial is refused', () => {
  const many = Array.from({ length: deniedMax }, (_, at) => ({ ...nobody, serial: `A${at}` }));
  const full = withDenied(one, many, { reason: '', nowMs });
  assert.equal(full.denied.length, deniedMax);
  const more = [{ ...nobody, serial: 'B1' }];
  assert.throws(() => withDenied(full, more, { reason: '', nowMs }), { code: 'queue_full' });
});

test('ID-04 a denied name does not join, whatever its token', () => {
  const record = withDenied(granted, [{ ...nobody, name: 'n2' }], { reason: '', nowMs });
  assert.throws(
    () => withMember(record, 'key of n2', memberOf('n2'), at),
    denied(/n2 is denied in this cluster/),
  );
});

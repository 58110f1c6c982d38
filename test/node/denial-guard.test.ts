// Whom denials would cut off, however they name them: by name, certificate or serial number.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterRecord, noClusterRecord } from '#command/member.ts';
import { judgedDenials, type Sight } from '#node/denial-guard.ts';
import { type Deniable, withDenied } from '#node/membership-records.ts';

const names = ['n1', 'n2', 'n3'];
const record: ClusterRecord = {
  ...noClusterRecord,
  members: names.map((name) => ({
    name,
    storeId: `store of ${name}`,
    keyPin: `pin of ${name}`,
    peerAddress: '',
    apiUrl: '',
  })),
};
const sight: Sight = {
  self: 'n1',
  voters: { voters: names, up: names },
  shownBy: (name) => [{ serial: `SERIAL ${name}`, issuer: 'ca' }],
};
const byName = (name: string): Deniable => ({ name, serial: '', issuer: '' });
const bySerial = (serial: string): Deniable => ({ name: '', serial, issuer: '' });
/** A certificate that nobody shows now, with a member's key. */
const byKey = (name: string): Deniable => ({ ...bySerial('OTHER'), keyPin: `pin of ${name}` });
const ways = [byName, byKey, (name: string) => bySerial(`SERIAL ${name}`)];
const when = { reason: '', nowMs: 1 };
const lost = { code: 'not_ready', message: /would lose the quorum/ };

test('REV-01 two of three voters are not denied, in one call or one after the other, however each is named', () => {
  for (const second of ways) {
    for (const third of ways) {
      assert.throws(() => judgedDenials(record, [second('n2'), third('n3')], sight), {
        ...lost,
        message: /denying n2 and n3 would lose the quorum/,
      });
      const denials = judgedDenials(record, [second('n2')], sight);
      const before = withDenied(record, denials, when);
      // Its links are cut, as soon as this node comes to it.
      for (const up of second === byKey ? [['n1', 'n3']] : [names, ['n1', 'n3']]) {
        const seen = { ...sight, voters: { voters: names, up } };
        assert.throws(() => judgedDenials(before, [third('n3')], seen), lost);
        assert.doesNotThrow(() => judgedDenials(before, [third('n2'), bySerial('A1')], seen));
      }
    }
  }
});

test('a node does not deny itself, whether by its name, its certificate or its serial number', () => {
  for (const way of ways) {
    assert.throws(() => judgedDenials(record, [way('n1')], sight), { code: 'bad_request' });
  }
  assert.doesNotThrow(() => judgedDenials(record, [byKey('n4'), bySerial('A1')], sight));
});

test("a serial number of another authority is no member's, and a member with a new certificate counts again", () => {
  const foreign = { ...bySerial('SERIAL n1'), issuer: 'other ca' };
  assert.deepEqual(judgedDenials(record, [foreign], sight), [foreign]);
  const before = withDenied(record, judgedDenials(record, [byKey('n2')], sight), when);
  assert.doesNotThrow(() => judgedDenials(before, [byName('n3')], sight));
});

test("a denial of a member's certificate is recorded with its key pin, another one without any", () => {
  const wanted = [bySerial('SERIAL n2'), byKey('n2'), byKey('n4'), byName('n2')];
  assert.deepEqual(judgedDenials(record, wanted, sight), [
    { ...bySerial('SERIAL n2'), keyPin: 'pin of n2' },
    byKey('n2'),
    bySerial('OTHER'),
    byName('n2'),
  ]);
});

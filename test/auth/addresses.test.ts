// Addresses and ranges of addresses: what is one, what is in one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressRangeFrom, inRanges } from '#auth/address-range.ts';
import { addressBytesFrom } from '#auth/ip-address.ts';

const within = (address: string, ...texts: readonly string[]): boolean =>
  inRanges(
    address,
    texts.map((text) => {
      const range = addressRangeFrom(text);
      return typeof range === 'string' ? assert.fail(range) : range;
    }),
  );

test('addresses become bytes, IPv4 within IPv6 becomes IPv4', () => {
  assert.deepEqual(addressBytesFrom('192.0.2.1'), [192, 0, 2, 1]);
  assert.deepEqual(addressBytesFrom('::ffff:192.0.2.1'), [192, 0, 2, 1]);
  assert.deepEqual(addressBytesFrom('::ffff:c000:201'), [192, 0, 2, 1]);
  assert.deepEqual(addressBytesFrom('::1'), [...Array<number>(15).fill(0), 1]);
  assert.deepEqual(addressBytesFrom('fe80::1%eth0')?.slice(0, 2), [0xfe, 0x80]);
  assert.equal(addressBytesFrom('1:2:3:4:5:6:7:8')?.length, 16);
});

test('a text that is no address has no bytes', () => {
  for (const text of [
    ...['', ':', ':::', '::1::', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.x'],
    ...['1:2:3', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8:9', 'g::', '12345::', '::1.2.3', ' ::1'],
  ]) {
    assert.equal(addressBytesFrom(text), undefined, text);
  }
});

const faultOf = (text: string): string => {
  const range = addressRangeFrom(text);
  return typeof range === 'string' ? range : '';
};

test('an address is in a range when the bits of the prefix are its own', () => {
  assert.equal(within('10.1.2.3', '10.0.0.0/8'), true);
  assert.equal(within('11.1.2.3', '10.0.0.0/8'), false);
  assert.equal(within('::ffff:10.1.2.3', '10.0.0.0/8'), true);
  assert.equal(within('192.0.2.127', '192.0.2.0/25'), true);
  assert.equal(within('192.0.2.128', '192.0.2.0/25'), false);
  assert.equal(within('192.0.2.7', '192.0.2.7'), true);
  assert.equal(within('192.0.2.8', '192.0.2.7'), false);
  assert.equal(within('2001:db8:1::5', '2001:db8::/32'), true);
  assert.equal(within('2001:db9::5', '2001:db8::/32'), false);
  assert.equal(within('203.0.113.9', '0.0.0.0/0'), true);
  assert.equal(within('::1', '0.0.0.0/0'), false);
  assert.equal(within('not an address', '0.0.0.0/0', '::/0'), false);
});

test('a range with bits behind its prefix, or none at all, is refused', () => {
  assert.match(faultOf('10.0.0.1/8'), /bits behind its prefix/);
  assert.match(faultOf('2001:db8::1/32'), /bits behind its prefix/);
  for (const text of ['10.0.0.0/33', '::/129', '10.0.0.0/08', '10.0.0.0/', 'lan', '10/8', '']) {
    assert.match(faultOf(text), /no range of addresses/, text);
  }
});

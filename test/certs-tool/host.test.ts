// Names and addresses that go into certificates, and the texts that must not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hostsFrom } from '#certs-tool/host.ts';

const text = (host: string): string | undefined => hostsFrom([host])[0]?.text;

test('DNS names come out in lower case and addresses in their canonical text', () => {
  for (const [given, wanted] of [
    ['N1.Example.COM', 'n1.example.com'],
    ['localhost', 'localhost'],
    ['1a.example', '1a.example'],
    ['10.0.0.1', '10.0.0.1'],
    ['FE80:0:0:0::0001', 'fe80::1'],
    ['::', '::'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['2001:db8::8:800:200c:417a', '2001:db8::8:800:200c:417a'],
  ] as const) {
    assert.equal(text(given), wanted);
  }
});

test('the bytes of an IPv6 address are those its text names, whatever its groups', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }),
      (groups) => {
        const [host] = hostsFrom([groups.map((group) => group.toString(16)).join(':')]);
        assert.ok(host?.kind === 'ip');
        const wanted = Buffer.alloc(16);
        groups.forEach((group, index) => {
          wanted.writeUInt16BE(group, index * 2);
        });
        assert.deepEqual(Buffer.from(host.bytes), wanted);
        // The short text names the same bytes again.
        const [again] = hostsFrom([host.text]);
        assert.deepEqual(again, host);
      },
    ),
    { numRuns: 200 },
  );
});

test('TLS-27 what is no plain host name or address is refused', () => {
  for (const host of [
    '*.example.com',
    'n*.example.com',
    'n1.example.com.',
    '.example.com',
    'a..b',
    '-a.example',
    'a-.example',
    'under_score',
    'n1:4001',
    '[::1]',
    'fe80::1%eth0',
    '10.0.0',
    '10.0.0.256',
    '1',
    'a.0x7f',
    'n1,DNS:n2',
    'n1 n2',
    'n1\n',
    'ünï.example',
    'https://n1',
    '',
    'a'.repeat(64),
    `${'a.'.repeat(127)}a`,
  ]) {
    assert.throws(() => hostsFrom([host]), { code: 'config_invalid' }, JSON.stringify(host));
  }
});

test('no host at all and more hosts than the bound are refused, duplicates count once', () => {
  assert.throws(() => hostsFrom([]), { code: 'config_invalid' });
  const many = Array.from({ length: 65 }, (_, index) => `n${index}.example`);
  assert.throws(() => hostsFrom(many), { code: 'config_invalid' });
  assert.equal(hostsFrom([...many.slice(1), 'N1.example']).length, 64);
});

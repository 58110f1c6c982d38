// Join tokens: one line that survives pasting, and one sentence for everything that is no token.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { base32From, base32Of } from '#cluster/base32.ts';
import { type JoinToken, requireUnexpired, tokenFrom, tokenText } from '#cluster/token.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';

const token: JoinToken = {
  name: nodeNameFrom('n2-b'),
  cluster: clusterIdFrom('0123456789abcdef'.repeat(2)),
  caPin: 'ab'.repeat(32),
  seed: Uint8Array.from({ length: 32 }, (_, at) => at),
  expiresMs: 1_800_000_000_000,
  addresses: ['n1.lan:4003', '[::1]:4003'],
};
const text = tokenText(token);

const refusal = (message: RegExp) => ({ name: 'CodedError', code: 'bad_request', message });

test('a token is read as it was written, with space around it', () => {
  assert.match(text, /^STK1-n2-b-[A-Z2-7]+$/);
  assert.deepEqual(tokenFrom(`  ${text}\r\n`), token);
});

test('every single mistyped, missing or doubled character is found, in the name too', () => {
  for (let at = 'STK1-'.length; at < text.length; at++) {
    const changed = text[at] === 'B' ? 'C' : 'B';
    const broken = [
      `${text.slice(0, at)}${changed}${text.slice(at + 1)}`,
      `${text.slice(0, at)}${text.slice(at + 1)}`,
      `${text.slice(0, at)}B${text.slice(at)}`,
    ];
    for (const wrong of broken) {
      assert.throws(() => tokenFrom(wrong), refusal(/mistyped or cut/), wrong);
    }
  }
  assert.throws(() => tokenFrom(text.replace('n2-b', 'n3-b')), refusal(/mistyped or cut/));
});

test('what is no token at all is told apart, and never repeated in the error', () => {
  const secret = 'hunter2hunter2';
  for (const wrong of ['', secret, `STK2${text.slice(4)}`, text.repeat(40)]) {
    assert.throws(() => tokenFrom(wrong), refusal(/begins with STK1-/));
  }
  assert.throws(
    () => tokenFrom(`${text}A`),
    (error: Error) => !error.message.includes(text.slice(12)),
  );
});

test('any text is refused with one of the known sentences, never with another error', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.stringMatching(/^STK1-[a-z0-9-]{1,9}-[A-Z2-7]{0,200}$/)),
      (wrong) => {
        assert.throws(() => tokenFrom(wrong), { name: 'CodedError', code: 'bad_request' });
      },
    ),
  );
});

test('an expired token says when by which clock, a clock that is behind is told from it', () => {
  requireUnexpired(token, token.expiresMs - 1);
  assert.throws(() => requireUnexpired(token, token.expiresMs + 1000), {
    code: 'permission_denied',
    message:
      'the token for n2-b expired at 2027-01-15T08:00:00.000Z, and here it is 2027-01-15T08:00:01.000Z',
  });
  assert.throws(() => requireUnexpired(token, token.expiresMs - 2 * 3_600_000), {
    code: 'config_invalid',
    message: /the clock of this machine is behind/,
  });
});

test('base32 gives back any bytes, and reads no text that it does not write', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.deepEqual(base32From(base32Of(bytes)), Buffer.from(bytes));
    }),
  );
  // RFC 4648, 10.
  assert.equal(base32Of(Buffer.from('foobar')), 'MZXW6YTBOI');
  for (const wrong of ['mzxw', 'MZX1', 'M', 'MZ=', 'MZXW6YTBOJ']) {
    assert.equal(base32From(wrong), undefined, wrong);
  }
});

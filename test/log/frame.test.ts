// Frames of records: length, checksum, segment.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crcSeedOf, encodeFrameHeader, frameHeaderAt, payloadMatches } from '#log/frame.ts';

const payload = Buffer.from('payload');
const seed = crcSeedOf(Buffer.from('one salt'));
const other = crcSeedOf(Buffer.from('another salt'));

test('a frame is read back with its number, also beyond 32 bits', () => {
  for (const frame of [1, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
    const header = frameHeaderAt(encodeFrameHeader(frame, payload, seed), 0, seed);
    assert.equal(header?.frame, frame);
    assert.equal(header?.payloadBytes, payload.length);
    assert.ok(header !== undefined && payloadMatches(header, payload, seed));
  }
});

test('a frame of a file with another salt is none, whatever its number', () => {
  const bytes = encodeFrameHeader(7, payload, other);
  assert.equal(frameHeaderAt(bytes, 0, seed), undefined);
  // Its payload alone does not pass either.
  const header = frameHeaderAt(bytes, 0, other);
  assert.ok(header !== undefined && !payloadMatches(header, payload, seed));
});

test('a frame with any bit flipped is none, or its payload does not match', () => {
  const whole = Buffer.concat([encodeFrameHeader(7, payload, seed), payload]);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const header = frameHeaderAt(bytes, 0, seed);
    assert.ok(header === undefined || !payloadMatches(header, bytes.subarray(20), seed), `${bit}`);
  }
});

test('zeros are no frame', () => {
  assert.equal(frameHeaderAt(Buffer.alloc(64), 0, seed), undefined);
});

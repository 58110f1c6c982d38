// Memory of what stays: nothing of what is short-lived beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastingBytes } from '#command/lasting-bytes.ts';

test('small ones lie side by side, apart from others; large ones have memory of their own', () => {
  const allocate = lastingBytes();
  const others = lastingBytes();
  const given = Array.from({ length: 1000 }, (_, at) => {
    const bytes = allocate(300).fill(at % 256);
    others(300).fill(255);
    Buffer.from('for a moment');
    return bytes;
  });
  for (const [at, bytes] of given.entries()) assert.ok(bytes.every((byte) => byte === at % 256));
  const held = new Set(given.map(({ buffer }) => buffer));
  const heldBytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(heldBytes < 300 * 1000 * 1.25, `${heldBytes} bytes are held for 300,000`);
  const large = allocate(20_000);
  assert.equal(large.buffer.byteLength, 20_000);
  assert.equal(allocate(0).length, 0);
});

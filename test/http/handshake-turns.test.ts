// New connections begin their handshakes a few in each turn of the loop, addresses in turn.
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { handshakesPerTurn } from '#http/front-limits.ts';
import { HandshakeTurns } from '#http/handshake-turns.ts';
import { handshakeTimeoutMs } from '#limits.ts';

/** A socket that seems to come from an address. */
const socketFrom = (address: string): Socket =>
  Object.defineProperty(new Socket(), 'remoteAddress', { value: address });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('DOS-05 a flood of connections begins a few handshakes a turn; another address is not behind it', async () => {
  const turns = new HandshakeTurns(() => 0);
  const begun: string[] = [];
  const arrive = (address: string): void =>
    turns.arrived(socketFrom(address), () => begun.push(address));
  for (let count = 0; count < 100; count++) arrive('192.0.2.1');
  arrive('192.0.2.2');
  await turn();
  assert.deepEqual(begun, ['192.0.2.1', '192.0.2.2']);
  assert.equal(begun.length, handshakesPerTurn);
  await turn();
  assert.equal(begun.length, 2 * handshakesPerTurn);
  while (begun.length < 101) await turn();
});

test('DOS-05 addresses of one IPv6 /64 have one turn together', async () => {
  const turns = new HandshakeTurns(() => 0);
  const begun: string[] = [];
  const arrive = (address: string): void =>
    turns.arrived(socketFrom(address), () => begun.push(address));
  for (let count = 1; count < 20; count++) arrive(`2001:db8::${count}`);
  arrive('2001:db8:0:1::1');
  await turn();
  assert.deepEqual(begun, ['2001:db8::1', '2001:db8:0:1::1']);
});

test('who has waited for longer than a handshake may take, or has hung up, is not begun with', async () => {
  let nowMs = 0;
  const turns = new HandshakeTurns(() => nowMs);
  const begun: string[] = [];
  const late = socketFrom('192.0.2.1');
  const gone = socketFrom('192.0.2.2');
  turns.arrived(late, () => begun.push('late'));
  nowMs = handshakeTimeoutMs + 1;
  turns.arrived(gone, () => begun.push('gone'));
  gone.destroy(new Error('reset'));
  turns.arrived(socketFrom('192.0.2.3'), () => begun.push('new'));
  await turn();
  assert.deepEqual(begun, ['new']);
  assert.equal(late.destroyed, true);
});

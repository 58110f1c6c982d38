// Which engines may be of one cluster.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { Engines, engineRefusal } from '#node/engines.ts';
import type { PeerIdentity } from '#transport/transport.ts';

const own = 'sqlite=3.54.1 source=aa options=bb arch=x64 floats=cc';

const peer = (engine: string): PeerIdentity => ({
  name: nodeNameFrom('n2'),
  keyPin: '',
  serial: '',
  issuer: '',
  notAfterMs: 0,
  storeId: storeIdFrom('0'.repeat(32)),
  featureLevel: 1,
  engine,
  address: '',
});

const heard = { kind: 'heard' } as const;

test('another architecture or arithmetic is refused with both named, another version is not', () => {
  const refusal = engineRefusal(own, own.replace('x64', 'arm64')) ?? '';
  assert.match(refusal, /arch arm64, this node's x64/);
  assert.match(engineRefusal(own, own.replace('cc', 'dd')) ?? '', /floats dd, this node's cc/);
  const newer = own.replace('3.54.1', '3.55.0').replace('aa', 'ab').replace('bb', 'ba');
  assert.equal(engineRefusal(own, newer), undefined);
});

test('a node that says nothing of its engine, or in other words, is heard as before', () => {
  for (const engine of ['', 'something else', 'arch', '=', 'sqlite=3.53.0']) {
    assert.equal(engineRefusal(own, engine), undefined, engine);
  }
});

test('engines that differ are shown; a refusal for another reason stays what it is', () => {
  const engines = new Engines(own);
  assert.equal(engines.admit(peer(own), heard), heard);
  assert.deepEqual([...engines.others], []);
  const newer = own.replace('3.54.1', '3.55.0');
  assert.equal(engines.admit(peer(newer), heard), heard);
  assert.deepEqual([...engines.others], [['n2', newer]]);
  const refused = { kind: 'refused', reason: 'removed' } as const;
  assert.equal(engines.admit(peer(own.replace('x64', 'arm64')), refused), refused);
  assert.equal(engines.admit(peer(own.replace('x64', 'arm64')), heard).kind, 'refused');
});

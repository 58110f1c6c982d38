// What operators type to form a cluster, and what becomes of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMsFrom } from '#cli/cluster/duration.ts';
import { keyWordsOf } from '#cli/cluster/key-words.ts';
import { placesOf } from '#cli/cluster/places.ts';
import { configText } from '#cli/cluster/prepare-first-node.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { configFrom } from '#node/config.ts';

test('a duration is a number and a unit within its bounds, else usage with an example', () => {
  const of = (text: string) => durationMsFrom('ttl', text, 1000, 3_600_000);
  assert.equal(of('15m'), 900_000);
  assert.equal(of('1s'), 1000);
  assert.equal(of('1h'), 3_600_000);
  for (const wrong of ['', '15', 'm', '0s', '61m', '2h', '1d', '-1m', '1.5h', ' 1m']) {
    assert.throws(() => of(wrong), { code: 'usage', message: /--ttl is/ }, wrong);
  }
});

test('words are those of the published proquint examples, six for a key', () => {
  // 127.0.0.1 and 63.84.220.193 in Wilkerson's paper.
  assert.equal(
    keyWordsOf(`7f0000013f54dcc1${'0'.repeat(48)}`),
    'lusab babad gutih tugad babab babab',
  );
});

test('an address is listened on by itself, a name on all addresses, both are advertised', () => {
  const address = placesOf('::1', 4001, 4002);
  assert.deepEqual(address.peerListen, { host: '::1', port: 4002 });
  assert.equal(address.peerAddress, '[::1]:4002');
  const name = placesOf('n1.lan', 4001, 4002);
  assert.deepEqual(name.httpListen, { host: '0.0.0.0', port: 4001 });
  assert.equal(name.httpAddress, 'n1.lan:4001');
  assert.deepEqual(name.httpsHosts, ['n1.lan', '127.0.0.1', 'localhost']);
  for (const wrong of ['n1.lan:4002', 'https://n1', '', 'n 1']) {
    assert.throws(() => placesOf(wrong, 4001, 4002), { code: 'config_invalid' }, wrong);
  }
});

test('an address that stands for all of a machine is not advertised: nobody could dial it', () => {
  for (const host of ['0.0.0.0', '::', '0', '0:0:0:0:0:0:0:0', '::0', '::0.0.0.0']) {
    assert.throws(() => placesOf(host, 4001, 4002), { code: 'config_invalid' }, host);
  }
  for (const host of ['10.0.0.0', '::1', '0.lan', '0.0.0.1']) placesOf(host, 4001, 4002);
});

test('a node is not made with one port for two of its listeners: a token would be spent on it', () => {
  const same = { code: 'config_invalid', message: /http\.listen and peer\.listen are both/ };
  assert.throws(() => placesOf('127.0.0.1', 4001, 4001), same);
  const newcomers = { code: 'config_invalid', message: /http\.listen and join\.listen are both/ };
  assert.throws(() => placesOf('n1.lan', 4002, 4001), newcomers);
  placesOf('n1.lan', 4003, 4001);
});

test('the configuration that is written is read back with the same addresses', () => {
  for (const host of ['n1.lan', '192.0.2.1', '::1']) {
    const places = placesOf(host, 4001, 4002);
    const text = configText('stockade init', nodeNameFrom('n1'), places, false);
    const file = { path: '/srv/n1/node.yaml', text };
    const config = configFrom({ flags: new Map(), environment: {}, file });
    assert.equal(config.db.foreignKeys, false);
    assert.deepEqual(config.peer.listen, places.peerListen, host);
    assert.deepEqual(config.peer.advertise, { host, port: 4002 }, host);
    assert.deepEqual(config.http.advertise, { host, port: 4001 }, host);
    assert.deepEqual(config.join.listen, { ...places.peerListen, port: 4003 }, host);
  }
});

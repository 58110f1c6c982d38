// Addresses from DNS: asked of a real server on loopback.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dnsDiscovery, dnsSrvDiscovery } from '#cluster/discovery/dns-discovery.ts';
import { DnsServer } from './dns-server.ts';

const loopback6 = Buffer.from('00000000000000000000000000000001', 'hex');
const zone = {
  a: { 'peers.example': ['192.0.2.2', '192.0.2.1'], 'n1.example': ['192.0.2.1'] },
  aaaa: { 'peers.example': [loopback6] },
  srv: {
    '_stockade._tcp.example': [
      { name: 'n1.example', port: 4002 },
      { name: 'gone.example', port: 5002 },
    ],
  },
};

test('each address of a name is a place, of both families or of one', async (context) => {
  const server = await DnsServer.start(zone);
  context.after(() => server.close());
  const texts = async (family: 0 | 4 | 6, name = 'peers.example') => {
    const settings = { name, port: 4002, servers: [server.address], family };
    return (await dnsDiscovery(settings).places()).map(({ text }) => text);
  };
  assert.deepEqual(await texts(0), ['192.0.2.1:4002', '192.0.2.2:4002', '[::1]:4002']);
  assert.deepEqual(await texts(4), ['192.0.2.1:4002', '192.0.2.2:4002']);
  assert.deepEqual(await texts(6), ['[::1]:4002']);
  assert.deepEqual(await texts(0, 'nobody.example'), []);
});

test('each target of a service is a place with its port; one without an address stays to be explained', async (context) => {
  const server = await DnsServer.start(zone);
  context.after(() => server.close());
  const settings = { port: 0, servers: [server.address], family: 0 } as const;
  const places = await dnsSrvDiscovery({ ...settings, name: '_stockade._tcp.example' }).places();
  assert.deepEqual(places, [
    { text: 'n1.example:4002', addresses: [{ host: '192.0.2.1', port: 4002 }] },
    { text: 'gone.example:5002', addresses: [] },
  ]);
  assert.deepEqual(await dnsSrvDiscovery({ ...settings, name: '_no._tcp.example' }).places(), []);
});

test('a name server that does not answer is a failure, not an empty answer', async () => {
  const server = await DnsServer.start(zone);
  const { address } = server;
  server.close();
  const settings = { name: 'peers.example', port: 4002, servers: [address], family: 4 } as const;
  await assert.rejects(dnsDiscovery(settings).places(), /ECONNREFUSED|ETIMEOUT/);
});

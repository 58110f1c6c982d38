// Three real processes that know nothing of each other but where to ask: DNS (a real dnsmasq), SRV
// records, etcd (a real one) and Consul (a stand-in of its keys and sessions). One cluster each
// time. The ways behind the first take longer: STOCKADE_LONG_TESTS=1 runs them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConsulServer } from '#test/cluster/consul-server.ts';
import { DnsServer } from '#test/cluster/dns-server.ts';
import { EtcdServer, hasEtcd } from '#test/cluster/etcd-server.ts';
import { eventually, freePortBase } from './cluster.ts';
import { MeetingNodes } from './meeting-nodes.ts';

const three = [0, 1, 2] as const;
const dnsmasq = '/usr/sbin/dnsmasq';
const long = process.env['STOCKADE_LONG_TESTS'] === '1' ? false : 'long; STOCKADE_LONG_TESTS=1';

const prepared = async (context: TestContext): Promise<MeetingNodes> => {
  const nodes = await MeetingNodes.prepare(3);
  context.after(() => nodes.remove());
  return nodes;
};

/** Flags of a way to discover, with its settings in a file that only the owner may read. */
const discovery = (nodes: MeetingNodes, mode: string, name: string, config: object): string[] => {
  const file = join(nodes.folder, 'discovery.json');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const flags = ['--cluster.discovery.mode', mode, '--cluster.discovery.name', name];
  return [...flags, '--cluster.discovery.config', file];
};

/** Runs the nodes, the creator last; they are to be one cluster of three that takes writes. */
const assertOneCluster = async (
  nodes: MeetingNodes,
  flagsOf: (at: number) => readonly string[],
  hostOf: (at: number) => string = () => '127.0.0.1',
): Promise<void> => {
  const runs = [2, 1, 0].map((at) => nodes.run(at, 3, flagsOf(at)));
  for (const run of runs) await run.says(/"msg":"serving"/);
  const said = runs.map(({ stdout, stderr }) => stdout + stderr);
  assert.equal(said.filter((text) => text.includes('this node creates the cluster')).length, 1);
  await nodes.ask(0, '/db/execute', '["CREATE TABLE t (a)","INSERT INTO t VALUES (7)"]');
  const answer = await nodes.ask(2, '/db/query?level=linearizable&q=SELECT%20a%20FROM%20t');
  assert.match(answer, /\[\[7\]\]/);
  await eventually('all are on record where they are', async () => {
    const text = await nodes.ask(1, '/status');
    return three.every((at) => text.includes(`"addr":"${hostOf(at)}:`));
  });
};

test('three processes find each other by SRV records and form one cluster', async (context) => {
  const nodes = await prepared(context);
  const targets = three.map((at) => ({
    name: `n${at + 1}.stockade.test`,
    port: nodes.portBase + 10 * at + 1,
  }));
  const dns = await DnsServer.start({
    srv: { '_stockade._tcp.test': targets },
    a: Object.fromEntries(targets.map(({ name }) => [name, ['127.0.0.1']])),
  });
  context.after(() => dns.close());
  const flags = discovery(nodes, 'dns-srv', '_stockade._tcp.test', {
    servers: [dns.address],
    family: 4,
  });
  await assertOneCluster(nodes, () => flags);
});

test('three processes find each other by a name with three addresses in dnsmasq and form one cluster', {
  skip: long,
}, async (context) => {
  if (!existsSync(dnsmasq)) return context.skip('dnsmasq (Debian: dnsmasq-base) is not here');
  const nodes = await prepared(context);
  const hosts = join(nodes.folder, 'hosts');
  const hostOf = (at: number): string => `127.0.0.${at + 2}`;
  writeFileSync(hosts, three.map((at) => `${hostOf(at)} nodes.stockade.test\n`).join(''));
  const [dnsPort, port] = [await freePortBase(1), await freePortBase(1)];
  const server = spawn(
    dnsmasq,
    [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--user=root'],
      ...['--no-resolv', '--no-hosts', `--addn-hosts=${hosts}`, '--local=/test/'],
      ...[`--port=${dnsPort}`, '--listen-address=127.0.0.1', '--bind-interfaces'],
    ],
    { stdio: 'ignore' },
  );
  context.after(() => server.kill());
  const flags = discovery(nodes, 'dns', 'nodes.stockade.test', {
    servers: [`127.0.0.1:${dnsPort}`],
    family: 4,
  });
  // All listen on the same port, as machines of their own do.
  const listen = (at: number): readonly string[] => ['--peer.listen', `${hostOf(at)}:${port}`];
  await assertOneCluster(nodes, (at) => [...listen(at), ...flags], hostOf);
  assert.equal(server.exitCode, null, 'dnsmasq answered all the time');
});

test('three processes find each other in etcd and form one cluster, and the founding is on record there', {
  skip: long,
}, async (context) => {
  if (!hasEtcd()) return context.skip('etcd (Debian: etcd-server) is not here');
  const nodes = await prepared(context);
  const etcd = await EtcdServer.start();
  context.after(() => etcd.stop());
  const flags = discovery(nodes, 'etcd', 'stockade/one', {
    endpoints: [etcd.endpoint],
    ca: etcd.caFile,
  });
  await assertOneCluster(nodes, () => flags);
  // Three others with empty disks and the same prefix come later: the store knows of a founding.
  await nodes.stop();
  const others = await prepared(context);
  const runs = three.map((at) => others.run(at, 3, flags));
  const ended = await eventually('one of them ends', async () =>
    runs.find((run) => run.code !== undefined),
  );
  assert.equal(ended.code, 78, ended.stderr);
  assert.match(ended.stderr, /a cluster was founded here before, with others: n1, n2, n3\n/);
  for (const at of three) assert.ok(!existsSync(join(others.data(at), 'raft')), `n${at + 1}`);
});

test('three processes find each other in Consul (a stand-in) and form one cluster', {
  skip: long,
}, async (context) => {
  const nodes = await prepared(context);
  const consul = await ConsulServer.start('a token');
  context.after(() => consul.close());
  const flags = discovery(nodes, 'consul', 'stockade/one', {
    endpoints: [consul.endpoint],
    ...{ token: 'a token', datacenter: 'dc1' },
  });
  await assertOneCluster(nodes, () => flags);
  assert.ok([...consul.keys.keys()].some((key) => key.endsWith('founding')));
  assert.deepEqual(consul.refused, []);
});

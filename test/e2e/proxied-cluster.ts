// A cluster of `stockade up` whose nodes reach each other through a proxy only: the addresses in
// the first entry, and those that nodes tell of themselves, are the proxy's.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareFolder } from '#cli/up/prepare.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { Cluster, eventually, freePortBase } from './cluster.ts';
import { PeerProxy } from './peer-proxy.ts';

/** A running cluster and the network between its nodes. */
export interface ProxiedCluster {
  readonly cluster: Cluster;
  readonly proxy: PeerProxy;
  remove(): Promise<void>;
}

/** Starts the cluster; resolves when every node is connected to every other. */
export const startProxiedCluster = async (count: number): Promise<ProxiedCluster> => {
  const folder = join(mkdtempSync(join(tmpdir(), 'stockade-proxied-')), 'cluster');
  const portBase = await freePortBase(count);
  const nodes = Array.from({ length: count }, (_, at) => at);
  const peerPort = (at: number): number => portBase + 10 * at + 1;
  const effects = { files: systemFiles, random: cryptoRandom, progress: () => undefined };
  prepareFolder({ root: folder, count, portBase, ...effects });

  const configs = nodes.map((at) => join(folder, `n${at + 1}`, 'node.yaml'));
  const proxy = await PeerProxy.listen(nodes.map(peerPort), () => configs.map(pidWith));

  const bootstrap = join(folder, 'n1', 'data', 'bootstrap.json');
  let members = readFileSync(bootstrap, 'utf8');
  for (const at of nodes) {
    const address = `127.0.0.1:${proxy.portOf(at)}`;
    members = members.replace(`"127.0.0.1:${peerPort(at)}"`, `"${address}"`);
    const config = configs[at] ?? '';
    const listens = `  listen: '127.0.0.1:${peerPort(at)}'\n`;
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace(listens, `${listens}  advertise: '${address}'\n`));
  }
  writeFileSync(bootstrap, members);

  const cluster = await Cluster.resume(folder, portBase, count);
  const pairs = nodes.flatMap((from) =>
    nodes.filter((to) => to !== from).map((to) => `${from}>${to}`),
  );
  await eventually('all nodes are connected through the proxy', () =>
    Promise.resolve(pairs.every((pair) => proxy.connected.has(pair))),
  );
  return {
    cluster,
    proxy,
    remove: async () => {
      proxy.heal();
      await cluster.remove();
      await proxy.close();
    },
  };
};

/** The process with this word on its command line; 0 when there is none. */
const pidWith = (word: string): number => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    // A process may end between its listing and the reading.
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word);
    } catch {
      return false;
    }
  });
  return Number(found ?? 0);
};

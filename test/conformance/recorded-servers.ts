// Real nodes in the shapes that recorded answers came from (configurations.json): one node, three,
// three with users, a leader with a read replica, and one that waits for the others. The first node
// leads at the start, as it did there.
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { hashPassword } from '#auth/password.ts';
import { type Answer, type AskOptions, askNode } from '../e2e/ask.ts';
import { Cluster, eventually } from '../e2e/cluster.ts';
import { FormedCluster } from '../e2e/formed-cluster.ts';
import { Running } from '../e2e/running.ts';

/** Nodes that run. */
export interface RecordedServer {
  readonly nodes: number;
  readonly portOf: (at: number) => number;
  /** As the administrator unless said otherwise; an undefined user sends no credentials. */
  readonly ask: (at: number, path: string, options: AskOptions) => Promise<Answer>;
  /** Hands the leadership to a node, if another has it. */
  readonly letLead: (at: number) => Promise<void>;
  readonly remove: () => Promise<void>;
}

type Ask = RecordedServer['ask'];

interface RecordedUser {
  readonly username: string;
  readonly password?: string;
  readonly perms: readonly string[];
}

const configurations = JSON.parse(
  readFileSync(join(import.meta.dirname, 'configurations.json'), 'utf8'),
) as Readonly<Record<string, { readonly authFile?: readonly RecordedUser[] }>>;

/** The recorded users of a configuration; undefined where nobody needed credentials. */
export const usersOf = (configuration: string): readonly RecordedUser[] | undefined =>
  configurations[configuration]?.authFile;

/** Starts the nodes of a configuration. */
export const startRecorded = (configuration: string): Promise<RecordedServer> => {
  switch (configuration) {
    case 'single':
      return startCluster(1, undefined);
    case 'cluster3':
    case 'cluster3-auth':
      return startCluster(3, usersOf(configuration));
    case 'replica':
      return startWithReplica();
    case 'no-leader':
      return startAlone();
    default:
      throw new Error(`no such configuration: ${configuration}`);
  }
};

const startCluster = async (
  nodes: number,
  users: readonly RecordedUser[] | undefined,
): Promise<RecordedServer> => {
  const cluster = await Cluster.start(nodes);
  if (users !== undefined) await addUsers(cluster, users);
  const ask: Ask = (at, path, options) => cluster.ask(at, path, options);
  await letLead(ask, 0);
  return {
    nodes,
    portOf: (at) => cluster.portBase + 10 * at,
    ask,
    letLead: (at) => letLead(ask, at),
    remove: () => cluster.remove(),
  };
};

/** Seen by that node alone: another one may have been removed. */
const letLead = async (ask: Ask, wanted: number): Promise<void> => {
  await eventually(`node ${wanted} leads`, async () => {
    const { json } = await ask(wanted, '/status?key=store.leader.node_id', {});
    if (typeof json !== 'string' || json === '') return false;
    if (json === `n${wanted + 1}`) return true;
    const body = JSON.stringify({ id: `n${wanted + 1}` });
    await ask(Number(json.slice(1)) - 1, '/leader?wait', { body });
    return false;
  });
};

const addUsers = async (cluster: Cluster, users: readonly RecordedUser[]): Promise<void> => {
  const file = JSON.parse(readFileSync(cluster.file.auth, 'utf8')) as unknown[];
  for (const { username, password = '', perms } of users) {
    file.push({ username, password: hashPassword(password, 10), perms });
  }
  writeFileSync(cluster.file.auth, JSON.stringify(file));
  for (const { pid } of cluster.file.nodes) process.kill(pid, 'SIGHUP');
  const { username: name = '', password = '' } = users[0] ?? {};
  for (const at of [0, 1, 2]) {
    await eventually(`node ${at} knows the users`, async () => {
      const { status } = await cluster.ask(at, '/whoami', { user: { name, password } });
      return status === 200;
    });
  }
};

const formedServer = (cluster: FormedCluster, nodes: number): RecordedServer => {
  const folder = cluster.data(0);
  const password = readFileSync(join(folder, 'admin.password'), 'utf8').trim();
  const ca = readFileSync(join(folder, 'certs', 'client-ca.crt'));
  const agent = new Agent({ ca, keepAlive: true });
  const ask: Ask = (at, path, options) => {
    const user = { name: 'admin', password };
    return askNode(agent, cluster.portBase + 10 * at, path, { user, ...options });
  };
  return {
    nodes,
    portOf: (at) => cluster.portBase + 10 * at,
    ask,
    letLead: (at) => letLead(ask, at),
    remove: async () => {
      agent.destroy();
      await cluster.remove();
    },
  };
};

const startWithReplica = async (): Promise<RecordedServer> => {
  const cluster = await FormedCluster.prepare();
  await cluster.init(['spare']);
  const { tokens } = await cluster.admit(0, ['n2'], ['--read-replica']);
  await cluster.join(1, tokens[0] ?? '').says(/^n2 is a member/m);
  return formedServer(cluster, 2);
};

/** A member of three whose others do not run. */
const startAlone = async (): Promise<RecordedServer> => {
  const cluster = await Cluster.start(3);
  const { config } = cluster.file.nodes[0] ?? { config: '' };
  const ca = readFileSync(cluster.file.ca);
  await cluster.stop();
  const alone = new Running(['run', '--config', config]);
  const agent = new Agent({ ca, keepAlive: true });
  const user = { name: 'admin', password: cluster.password };
  await eventually('the node serves', async () => {
    const answer = await askNode(agent, cluster.portBase, '/readyz?noleader', { user }).catch(
      () => undefined,
    );
    return answer?.status === 200;
  });
  return {
    nodes: 1,
    portOf: (at) => cluster.portBase + 10 * at,
    ask: (at, path, options) =>
      askNode(agent, cluster.portBase + 10 * at, path, { user, ...options }),
    letLead: () => Promise.reject(new Error('it cannot lead')),
    remove: async () => {
      agent.destroy();
      await alone.stop();
      await cluster.remove();
    },
  };
};

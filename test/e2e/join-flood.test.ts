// The join listener is flooded while a grant is open: by connections that say nothing, by bytes
// that are no TLS, by handshakes that lead to nonsense, from many addresses. Nobody campaigns,
// writes go on, and the honest newcomer gets in with its token afterwards.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { eventually } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';

const connections = 1200;
const atOnce = 90;

let cluster: FormedCluster;
let last = '';

before(async () => {
  cluster = await FormedCluster.prepare();
  const [second = '', third = ''] = await cluster.init(['n2', 'n3']);
  last = third;
  await cluster.join(1, second).says(/^n2 is a member/m);
  await eventually('both vote', async () => {
    const { nodes } = (await cluster.status(0)).store;
    return nodes.length === 2 && nodes.every(({ suffrage }) => suffrage === 'voter');
  });
  await cluster.execute(0, 'CREATE TABLE t (n INTEGER)');
});
after(() => cluster.remove());

/** One hostile connection, from an address of its own; resolves when it is over. */
const attack = (number: number): Promise<void> =>
  new Promise((resolve) => {
    const to = {
      host: '127.0.0.1',
      port: cluster.portBase + 2,
      localAddress: `127.0.${1 + (number % 60)}.1`,
    };
    let socket: Socket;
    if (number % 3 === 2) {
      const secure = connectTls({
        ...to,
        ALPNProtocols: ['stockade-join/1'],
        // An attacker does not care who answers.
        rejectUnauthorized: false,
      });
      secure.on('secureConnect', () => secure.write(randomBytes(20_000)));
      socket = secure;
    } else {
      socket = connect(to);
      if (number % 3 === 1) socket.on('connect', () => socket.write(randomBytes(2000)));
    }
    // Those who say nothing go after a while; the node would end them a little later.
    const bored = setTimeout(() => socket.destroy(), 1000);
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.on('close', () => {
      clearTimeout(bored);
      resolve();
    });
  });

const numberOf = async (at: number, name: string): Promise<number> => {
  const { text } = await cluster.ask(at, '/metrics');
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? Number.NaN);
};

/** How often somebody campaigned, as both nodes count it. */
const campaigns = async (): Promise<number> =>
  (await numberOf(0, 'stockade_raft_campaigns_total')) +
  (await numberOf(1, 'stockade_raft_campaigns_total'));

/** Floods while writes go on; how many were done, and how long the leader was not heard at most. */
const flooded = async (): Promise<{ readonly writes: number; readonly silence: number }> => {
  let next = 0;
  const attackers = Array.from({ length: atOnce }, async () => {
    while (next < connections) {
      next += 1;
      await attack(next);
    }
  });
  let flooding = true;
  const flood = Promise.all(attackers).then(() => {
    flooding = false;
  });
  let writes = 0;
  let silence = 0;
  while (flooding) {
    assert.match(await cluster.execute(0, `INSERT INTO t VALUES (${writes})`), /rows_affected/);
    writes += 1;
    silence = Math.max(silence, await numberOf(1, 'stockade_raft_leader_contact_seconds'));
  }
  await flood;
  return { writes, silence };
};

test('a flood of the join listener makes nobody campaign and stops no write, and the honest newcomer gets in behind it', async (t) => {
  // A starved machine elects by itself now and then; what the flood does, it does each time.
  let disturbed = Number.NaN;
  for (let tries = 1; tries <= 3 && disturbed !== 0; tries++) {
    const before = await campaigns();
    const { writes, silence } = await flooded();
    disturbed = (await campaigns()) - before;
    assert.ok(writes > 0);
    t.diagnostic(
      `${connections} connections, ${writes} writes, campaigns ${disturbed}; the leader was last heard ${silence.toFixed(2)} s ago at most`,
    );
  }
  assert.equal(disturbed, 0);
  await cluster.join(2, last).says(/^n3 is a member/m);
});

// The deny-list on a running cluster: whoever is denied is cut off at once, on every listener and
// on every link that was dialled, and the others go on writing.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { openAdminClient } from '#cli/cluster/admin-client.ts';
import { CodedError } from '#errors.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { adminDeny } from '#node/seams/admin-seam.ts';
import { openTransport } from '#transport/open-transport.ts';
import type { Transport } from '#transport/transport.ts';
import { Cluster, eventually, stockade } from './cluster.ts';
import { Running } from './running.ts';

/** What the design promises, from the command to the last cut connection. */
const evictionMsMax = 1000;

let cluster: Cluster;
let third: Running | undefined;

before(async () => {
  cluster = await Cluster.start(3, ['--no-restart']);
  await cluster.execute(0, ['CREATE TABLE t (a)']);
});
after(async () => {
  await third?.stop();
  await cluster.remove();
});

const node = (at: number) => {
  const found = cluster.file.nodes[at];
  assert.ok(found !== undefined);
  return found;
};

const deny = (from: number, ...words: readonly string[]) =>
  stockade(['deny', ...words, '--data', dirname(node(from).data)]);

/** The same without the time that a process takes to start. */
const denyNow = async (from: number, name: string): Promise<void> => {
  const client = await openAdminClient(node(from).data);
  try {
    await client.ask(adminDeny, {
      deny: [{ name, serial: '', issuer: '' }],
      lift: [],
      reason: 'stolen',
    });
  } finally {
    // A refusal is asked again: connections that stayed would use up those of the socket.
    client.close();
  }
};

/** Writes through one node until it is stopped; each write may be tried a second time. */
const writing = (at: number) => {
  const failed: string[] = [];
  let done = 0;
  let stopped = false;
  const insert = { body: JSON.stringify(['INSERT INTO t VALUES (1)']) };
  const loop = (async () => {
    while (!stopped) {
      let answer = await cluster.ask(at, '/db/execute', insert);
      if (answer.status !== 200) answer = await cluster.ask(at, '/db/execute', insert);
      if (answer.status === 200) done += 1;
      else failed.push(answer.text);
    }
  })();
  return {
    done: () => done,
    stop: async () => {
      stopped = true;
      await loop;
      return failed;
    },
  };
};

/** A thief with the third node's key and disk identity, at its address. */
const thiefOfThird = async (heard: string[]): Promise<Transport> => {
  const certs = join(dirname(node(2).data), 'certs');
  const read = (name: string): string => readFileSync(join(certs, name), 'utf8');
  const material = {
    certificate: read('peer.crt'),
    key: read('peer.key'),
    ca: read('peer-ca.crt'),
  };
  const identity = JSON.parse(readFileSync(join(node(2).data, 'identity.json'), 'utf8')) as {
    cluster: string;
    store: string;
  };
  const thief = await openTransport({
    cluster: clusterIdFrom(identity.cluster),
    self: nodeNameFrom('n3'),
    storeId: storeIdFrom(identity.store),
    featureLevel: 1,
    engine: '',
    advertise: '',
    listenHost: '127.0.0.1',
    listenPort: cluster.portBase + 21,
    material: () => material,
    denied: () => undefined,
    admit: () => ({ kind: 'heard' }),
    onMessages: () => undefined,
    onCall: () => undefined,
    onImage: (_from, _image, incoming) => incoming.refuse('not wanted'),
    onLink: (name, up, reason) => heard.push(`${name} ${up ? 'up' : 'down'}: ${reason}`),
    onRefused: () => undefined,
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    random: () => Math.random(),
  });
  thief.setPeers(
    new Map([
      [nodeNameFrom('n1'), node(0).peer],
      [nodeNameFrom('n2'), node(1).peer],
    ]),
  );
  return thief;
};

const startThird = async (): Promise<void> => {
  third = new Running(['run', '--config', node(2).config]);
  await third.says(/serving/);
};

const reachable = async (from: number, name: string): Promise<boolean> => {
  const { text } = await cluster.ask(from, '/nodes');
  return new RegExp(`"id":"${name}"[^}]*"reachable":true`).test(text);
};

/** When a node's log says that it cut its links to another one, milliseconds since 1970. */
const cutMs = (at: number, name: string): number | undefined => {
  const log =
    at === 2 && third !== undefined
      ? third.stderr
      : readFileSync(join(dirname(node(at).data), 'node.log'), 'utf8');
  // The last piece is a line that is not written to its end yet, or nothing.
  const lines = log.split('\n').slice(0, -1);
  const line = lines.findLast((text) => text.includes(`"peer":"${name}","up":false`));
  return line === undefined ? undefined : Date.parse((JSON.parse(line) as { time: string }).time);
};

test('REV-01 REV-02 a thief with a node key is cut off everywhere within a second, and writes go on', async (t) => {
  process.kill(node(2).pid, 'SIGKILL');
  const heard: string[] = [];
  const thief = await eventually('the port of n3 is free', () =>
    thiefOfThird(heard).catch(() => undefined),
  );
  try {
    const others = [nodeNameFrom('n1'), nodeNameFrom('n2')];
    await eventually('the thief is linked both ways', () =>
      Promise.resolve(others.every((name) => thief.isUp(name))),
    );
    const load = writing(0);
    t.after(() => load.stop());
    await eventually('writes run', () => Promise.resolve(load.done() > 10));
    const startMs = performance.now();
    await denyNow(0, 'n3');
    await eventually('all its links are cut', () =>
      Promise.resolve(others.every((name) => !thief.isUp(name))),
    );
    const tookMs = performance.now() - startMs;
    t.diagnostic(`evicted in ${tookMs.toFixed(0)} ms`);
    assert.ok(tookMs < evictionMsMax, `it took ${tookMs} ms`);
    // It comes back and back, and is told why not.
    await eventually('it is refused anew', () =>
      Promise.resolve(
        others.every((name) =>
          heard.some((line) =>
            line.startsWith(`${name} down: refused by the peer: denied: node n3 is shut out`),
          ),
        ),
      ),
    );
    assert.ok(others.every((name) => !thief.isUp(name)));
    const before = load.done();
    await eventually('writes go on', () => Promise.resolve(load.done() > before + 10));
    assert.deepEqual(await load.stop(), []);
  } finally {
    await thief.close();
  }
});

test('a denial that would leave no quorum is refused, and so is one of the node itself', async () => {
  const second = await deny(0, 'n2');
  assert.equal(second.code, 4);
  assert.match(second.stderr, /denying n2 would lose the quorum: of the 3 voters 2 must answer/);
  const own = await deny(0, 'n1');
  assert.equal(own.code, 1);
  assert.match(own.stderr, /n1 is this node itself/);
  const other = await deny(1, 'nope');
  assert.match(other.stderr, /there is no member nope\n {2}The members are n1, n2, n3\./);
  // n3 is denied and away, so the same goes for their certificates, and by serial number.
  const certs = (at: number): string => join(dirname(node(at).data), 'certs');
  const peer = (at: number): string => join(certs(at), 'peer.crt');
  const serial = (at: number): string => new X509Certificate(readFileSync(peer(at))).serialNumber;
  for (const words of [
    ['--certificate', peer(1)],
    ['--serial', serial(1)],
  ]) {
    const refused = await deny(0, ...words);
    assert.equal(refused.code, 4, words.join(' '));
    assert.match(refused.stderr, /denying n2 would lose the quorum/);
  }
  for (const words of [
    ['--certificate', peer(0)],
    ['--serial', serial(0)],
  ]) {
    assert.match((await deny(0, ...words)).stderr, /n1 is this node itself/);
  }
  for (const [name, what] of [
    ['peer-ca.crt', /is the certificate of an authority: denying it would shut out nobody/],
    ['https.crt', /names no node and no user/],
  ] as const) {
    const refused = await deny(0, '--certificate', join(certs(0), name));
    assert.equal(refused.code, 78, name);
    assert.match(refused.stderr, what);
  }
  const nothing = await deny(0, '--lift', 'n2');
  assert.match(nothing.stderr, /n2 is not denied\n {2}What is denied: stockade deny --list/);
});

test('what is denied is listed, and let in again when it is lifted', async () => {
  const listed = await deny(1, '--list');
  assert.match(listed.stdout, /^n3 {2}\d{4}-\S+Z {2}stolen\n$/);
  const seen = await stockade(['nodes', '--data', dirname(node(1).data)]);
  assert.match(seen.stdout, /^n3 +voter +denied /m);
  const status = (await cluster.ask(1, '/status')).json as { store: { denied: unknown } };
  assert.match(
    JSON.stringify(status.store.denied),
    /^\[\{"name":"n3","since":"\S+","reason":"stolen"\}\]$/,
  );
  const lifted = await deny(1, 'n3', '--lift');
  assert.equal(lifted.stdout, 'n3 is denied no longer\n', lifted.stderr);
  await startThird();
  for (const at of [0, 1]) await eventually('n3 is back', () => reachable(at, 'n3'));
});

test("a member's certificate is denied, a second one's is not, and the first is let in again", async () => {
  const peer = (at: number): string => join(dirname(node(at).data), 'certs', 'peer.crt');
  assert.equal((await deny(0, '--certificate', peer(2))).code, 0);
  const { stdout } = await stockade(['nodes', '--data', dirname(node(0).data)]);
  assert.match(stdout, /^n3 +voter +denied /m);
  for (const words of [['n2'], ['--certificate', peer(1)]]) {
    const refused = await deny(0, ...words);
    assert.match(refused.stderr, /denying n2 would lose the quorum/, words.join(' '));
  }
  assert.equal((await deny(0, '--certificate', peer(2), '--lift')).code, 0);
  for (const at of [0, 1]) await eventually('n3 is back', () => reachable(at, 'n3'));
});

test('REV-04 the leader itself is denied: leadership moves within a second, the rest goes on writing', async (t) => {
  const leader = await eventually('a leader', async () => {
    const at = await cluster.leader(0);
    return at === undefined ? undefined : { at };
  });
  const name = `n${leader.at + 1}`;
  const from = leader.at === 0 ? 1 : 0;
  const rest = [0, 1, 2].filter((at) => at !== leader.at);
  const load = writing(from);
  t.after(() => load.stop());
  await eventually('writes run', () => Promise.resolve(load.done() > 10));
  let startMs = 0;
  // A member whose links have just come back may count as away for a moment: that is refused.
  await eventually('the denial is taken', async () => {
    startMs = Date.now();
    return denyNow(from, name).then(
      () => true,
      (error: unknown) => {
        if (error instanceof CodedError && error.code === 'not_ready') return undefined;
        throw error;
      },
    );
  });
  const cut = await eventually('its links are cut', () => {
    const times = rest.map((at) => cutMs(at, name) ?? 0);
    return Promise.resolve(times.every((time) => time >= startMs) && times);
  });
  const tookMs = Math.max(...cut) - startMs;
  t.diagnostic(`leader evicted in ${tookMs} ms`);
  assert.ok(tookMs < evictionMsMax, `it took ${tookMs} ms`);
  const before = load.done();
  await eventually('writes go on', () => Promise.resolve(load.done() > before + 10));
  assert.deepEqual(await load.stop(), []);
  assert.equal((await deny(from, name, '--lift')).code, 0);
  for (const at of rest) await eventually('it is back', () => reachable(at, name));
});

/** A connection with the administrator's certificate that stays open. */
const certified = (at: number) => {
  const { certificate, key } = cluster.file.admin;
  const agent = new Agent({
    ca: readFileSync(cluster.file.ca),
    cert: readFileSync(certificate),
    key: readFileSync(key),
    keepAlive: true,
    maxSockets: 1,
  });
  let open = 0;
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request(
        { agent, host: '127.0.0.1', port: cluster.portBase + 10 * at, path: '/whoami' },
        (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
        },
      );
      asked.once('socket', (socket) => {
        if (socket.listenerCount('close', gone) > 0) return;
        open += 1;
        socket.once('close', gone);
      });
      asked.on('error', reject);
      asked.end();
    });
  const gone = (): void => {
    open -= 1;
  };
  return { ask, open: () => open, close: () => agent.destroy() };
};

test("TLS-12 REV-01 REV-02 REV-03 a user's certificate is denied: its connections are cut at every node, new ones prove nobody", async (t) => {
  const connections = [0, 1, 2].map(certified);
  for (const connection of connections) assert.equal(await connection.ask(), 200);
  const startMs = performance.now();
  const denied = await deny(1, '--certificate', cluster.file.admin.certificate);
  assert.equal(denied.code, 0, denied.stderr);
  await eventually('all are cut', () =>
    Promise.resolve(connections.every((connection) => connection.open() === 0)),
  );
  t.diagnostic(`cut in ${(performance.now() - startMs).toFixed(0)} ms, a process start included`);
  // The agents offer the sessions that they kept: nothing is resumed.
  for (const connection of connections) {
    assert.equal(await connection.ask(), 401);
    connection.close();
  }
  assert.equal((await cluster.ask(0, '/whoami')).status, 200, 'the password still counts');
});

// Attacks on admission, on real processes: each is refused in one sentence, nothing is committed by
// it, and the honest newcomer still gets in afterwards.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { leafName, signed as signedDer } from '#certs-tool/build-certificate.ts';
import {
  type DerValue,
  objectIdentifier,
  sequence,
  setOf,
  smallInteger,
  tagged,
} from '#certs-tool/der-writer.ts';
import { authorityConstraints, subjectAltName } from '#certs-tool/extensions.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { publicKeyInfo } from '#certs-tool/key-pair.ts';
import { oidExtensionRequest } from '#certs-tool/oid.ts';
import { pemOf } from '#certs-tool/pem.ts';
import { openJoinListener } from '#cluster/join-listener.ts';
import { showProbe } from '#cluster/reach-back.ts';
import { type JoinToken, tokenFrom, tokenText } from '#cluster/token.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import { openTransport } from '#transport/open-transport.ts';
import { eventually, stockade } from './cluster.ts';
import { FormedCluster, type FormedStatus } from './formed-cluster.ts';
import { claimOf, hostileConnection, hostileKey, signed } from './hostile-newcomer.ts';

let cluster: FormedCluster;
let token: JoinToken;
let tokenLine = '';
let ca = '';

before(async () => {
  cluster = await FormedCluster.prepare();
  [tokenLine = ''] = await cluster.init(['n2']);
  token = tokenFrom(tokenLine);
  ca = readFileSync(join(cluster.data(0), 'certs', 'peer-ca.crt'), 'utf8');
});
after(() => cluster.remove());

const membersAt = async (at: number): Promise<readonly string[]> =>
  (await cluster.status(at)).store.nodes.map(({ id }) => id);

/** The term and the leader: what no stranger may change. */
const office = ({ store }: FormedStatus) => [store.raft.term, store.leader.node_id];

/**
 * Runs what must not disturb the cluster, and compares who leads in which term before and after. A
 * starved machine changes its leader by itself now and then: what really disturbs does so each
 * time.
 */
const undisturbedBy = async (attempts: () => Promise<void>): Promise<void> => {
  for (let tries = 1; ; tries++) {
    const before = office(await cluster.status(0));
    await attempts();
    const after = office(await cluster.status(0));
    if (tries < 3 && JSON.stringify(after) !== JSON.stringify(before)) continue;
    assert.deepEqual(after, before);
    return;
  }
};

let tries = 0;

/** Tries to join with a folder and ports of its own, and gives how that ended. */
const tryToJoin = async (line: string, more: readonly string[] = []) => {
  tries += 1;
  const run = cluster.join(4, line, more, join(cluster.folder, `try${tries}`));
  const code = await run.ended();
  return { code, stderr: run.stderr };
};

/** A join listener of an attacker, and all that was ever sent to it. */
const impostor = async (material: PeerMaterial) => {
  const heard: unknown[] = [];
  const listener = await openJoinListener({
    host: '127.0.0.1',
    port: 0,
    material: () => material,
    admit: (application) => {
      heard.push(application);
      return Promise.reject(new Error('never'));
    },
    onRefused: () => undefined,
  });
  const addresses = [`127.0.0.1:${listener.port}`];
  return { line: tokenText({ ...token, addresses }), heard, close: () => listener.close() };
};

/** What an attacker can make: an authority of the same names, and a node of it. */
const forgedMaterial = (): PeerMaterial => {
  const forged = createAuthority({ kind: 'peer', cluster: token.cluster });
  const hosts = ['127.0.0.1'];
  const pair = issueNode({
    authority: forged,
    cluster: token.cluster,
    name: nodeNameFrom('n1'),
    hosts,
  });
  return { certificate: pair.certificate, key: pair.key, ca: forged.certificate };
};

test('TLS-06 an impostor whose CA has the same subject is found by the pin, and is sent nothing', async () => {
  const { line, heard, close } = await impostor(forgedMaterial());
  const { code, stderr } = await tryToJoin(line);
  close();
  assert.equal(code, 78);
  assert.match(stderr, /is of another cluster than the token/);
  assert.deepEqual(heard, []);
});

test('TLS-05 an impostor that shows the true CA has no certificate of it, and is sent nothing', async () => {
  const { line, heard, close } = await impostor({ ...forgedMaterial(), ca });
  const { code, stderr } = await tryToJoin(line);
  close();
  assert.equal(code, 4);
  assert.match(stderr, /the node did not answer to the end: [A-Z_]+/);
  assert.deepEqual(heard, []);
});

test('a proof that is relayed to another connection proves nothing there', async () => {
  const key = hostileKey(token);
  const claim = claimOf(token, key.key, '127.0.0.1:1');
  const first = await hostileConnection(token, key, ca);
  const second = await hostileConnection(token, key, ca);
  const request = signed(token, claim, key.keyPin, first.binding);
  assert.equal(await second.send(request), 'no token of this cluster proves this request for n2');
  // The same request where it was made gets as far as the address that nobody answers at.
  assert.match(await first.send(request), /cannot be reached back at 127.0.0.1:1: ECONNREFUSED/);
});

test("a proof with another key than the handshake's is refused", async () => {
  const key = hostileKey(token);
  const other = hostileKey(token);
  const connection = await hostileConnection(token, key, ca);
  const claim = claimOf(token, other.key, '127.0.0.1:1');
  assert.match(
    await connection.send(signed(token, claim, other.keyPin, connection.binding)),
    /no token of this cluster proves/,
  );
});

test('ID-05 a token whose name is changed does not let that name in', async () => {
  const changed = { ...token, name: nodeNameFrom('n9') };
  const { code, stderr } = await tryToJoin(tokenText(changed));
  assert.equal(code, 3);
  assert.match(stderr, /the token is for n2, not for n9/);
});

test('a newcomer that nobody can reach back at its advertised address is told so and is no member', async () => {
  const { code, stderr } = await tryToJoin(tokenLine, ['--advertise', 'no-such-host.invalid']);
  assert.equal(code, 4);
  assert.match(
    stderr,
    /n2 cannot be reached back at no-such-host.invalid:\d+: no such host is known here\n {2}Give the host/,
  );
  assert.deepEqual(await membersAt(0), ['n1']);
});

/** A door that shows what `claimOf` says. */
const doorAt = (port: number) =>
  showProbe(
    { host: '127.0.0.1', port, what: 'peer port', option: '--peer-port' },
    Buffer.alloc(16, 5),
  );

/** A request with whatever an attacker likes in it, signed by its own key. */
const forge = (key: string, commonName: string, extensions: readonly DerValue[]): string => {
  const privateKey = createPrivateKey(key);
  const info = sequence(
    smallInteger(0),
    leafName(commonName),
    publicKeyInfo(createPublicKey(privateKey)),
    tagged(0, sequence(objectIdentifier(oidExtensionRequest), setOf(sequence(...extensions)))),
  );
  return pemOf('CERTIFICATE REQUEST', signedDer(info, privateKey));
};

test('hostile signing requests are refused by the signer, with nothing committed', async (t) => {
  const key = hostileKey(token);
  const uri = (name: string): string => `spiffe://${token.cluster}/node/${name}`;
  const port = cluster.portBase + 59;
  const door = await doorAt(port);
  t.after(() => door.close());
  const hostile: readonly (readonly [RegExp, string])[] = [
    [/can sign others/, forge(key.key, 'n2', [authorityConstraints()])],
    [/identity of another holder/, forge(key.key, 'n2', [subjectAltName(uri('n1'), [])])],
    [/common name is not/, forge(key.key, 'n1', [subjectAltName(uri('n2'), [])])],
    [/another key than the one that was proved/, forge(hostileKey(token).key, 'n2', [])],
    [/not one PEM/, 'nothing that is a request'],
  ];
  for (const [why, peerRequest] of hostile) {
    const connection = await hostileConnection(token, key, ca);
    const claim = { ...claimOf(token, key.key, `127.0.0.1:${port}`), peerRequest };
    const said = await connection.send(signed(token, claim, key.keyPin, connection.binding));
    assert.match(said, why);
  }
  assert.deepEqual(await membersAt(0), ['n1']);
});

test('after all that the honest newcomer gets in with the same token', async () => {
  const run = cluster.join(1, tokenLine);
  await run.says(/^n2 is a member/m);
  assert.deepEqual(await membersAt(0), ['n1', 'n2']);
});

test('ID-05 a used token is refused, also after a restart of the node and under another leader', async () => {
  // Somebody else is let in, so that the listener is open and the old token has where to go.
  const waiting = await cluster.admit(0, ['n4']);
  const used = await tryToJoin(tokenLine);
  assert.equal(used.code, 3);
  assert.match(
    used.stderr,
    /the token for n2 has been used, at \d{4}-[^ ]+Z from 127\.0\.0\.1:\d+\n {2}If that was not you, remove/,
  );

  // The node is killed, its supervisor starts it again, the waiting signer comes back to it.
  const { processes } = await cluster.status(0);
  process.kill(processes.node, 'SIGKILL');
  await eventually('n2 leads', async () => {
    const status = await cluster.status(1).catch(() => undefined);
    return status?.store.leader.node_id === 'n1' || status?.store.leader.node_id === 'n2';
  });
  const again = await eventually('the listener is open again', async () => {
    const tried = await tryToJoin(tokenLine);
    return /no node takes newcomers|nobody signs/.test(tried.stderr) ? undefined : tried;
  });
  assert.match(again.stderr, /the token for n2 has been used/);
  await waiting.run.stop();

  // Who is asked to admit leads: the grants are with every node, not with the one that opened them.
  const elsewhere = await cluster.admit(1, ['n8']);
  assert.equal((await cluster.status(1)).store.leader.node_id, 'n2');
  const { addresses } = tokenFrom(elsewhere.tokens[0] ?? '');
  const there = await tryToJoin(tokenText({ ...token, addresses }));
  assert.match(there.stderr, /the token for n2 has been used/);
  await elsewhere.run.stop();
});

test('two who admit at the same time at one node both get their lines', async () => {
  const both = await Promise.all([cluster.admit(0, ['n10']), cluster.admit(0, ['n11'])]);
  assert.deepEqual(
    both.map(({ tokens }) => tokenFrom(tokens[0] ?? '').name),
    ['n10', 'n11'],
  );
  await Promise.all(both.map(({ run }) => run.stop()));
});

test('ID-05 an expired token is refused by the cluster, whatever its holder writes over the expiry', async () => {
  const short = await cluster.admit(0, ['n5'], ['--ttl', '1s']);
  const expired = tokenFrom(short.tokens[0] ?? '');
  assert.equal(await short.run.ended(), 4);
  assert.match(short.run.stderr, /n5 did not join in time/);
  const honest = await tryToJoin(tokenText(expired));
  assert.equal(honest.code, 3);
  assert.match(honest.stderr, /the token for n5 expired at .*Z, and here it is/);

  const waiting = await cluster.admit(0, ['n6']);
  const prolonged = tokenText({ ...expired, expiresMs: expired.expiresMs + 600_000 });
  const { code, stderr } = await tryToJoin(prolonged);
  assert.equal(code, 3);
  assert.match(stderr, /the token for n5 expired a minute ago/);
  await waiting.run.stop();
  assert.deepEqual(await membersAt(1), ['n1', 'n2']);
});

test('--confirm shows the words of the new key on both screens, and without a yes nobody gets in', async () => {
  const careful = await cluster.admit(0, ['n3'], ['--confirm'], 'no\n');
  const refused = await tryToJoin(careful.tokens[0] ?? '');
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /the words of n3 were not confirmed/);
  const words = /the words of this machine's key: ((?:[a-z]{5} ?){6})$/m.exec(refused.stderr)?.[1];
  assert.ok(words !== undefined && careful.run.stderr.includes(words), careful.run.stderr);
  await careful.run.stop();
  assert.deepEqual(await membersAt(0), ['n1', 'n2']);
});

test('a signer that dies before the join leaves nothing behind: a new line for the same name works', async () => {
  const first = await cluster.admit(0, ['n3']);
  first.run.kill('SIGKILL');
  await first.run.ended();
  const dead = await tryToJoin(first.tokens[0] ?? '');
  assert.equal(dead.code, 4);
  const second = await cluster.admit(0, ['n3'], ['--read-replica']);
  const void_ = await tryToJoin(first.tokens[0] ?? '');
  assert.match(void_.stderr, /no token of this cluster proves this request for n3/);
  const joining = cluster.join(2, second.tokens[0] ?? '');
  await joining.says(/^n3 is a member: .*n3 \(read-replica\)/m);
  assert.equal(await second.run.ended(), 0);
  const { nodes } = (await cluster.status(0)).store;
  assert.deepEqual(
    nodes.map(({ id, suffrage }) => `${id} ${suffrage}`),
    ['n1 voter', 'n2 voter', 'n3 nonvoter'],
  );
  await joining.stop();
});

test('AMNESIA a member that comes back with another disk is refused, leader and term unchanged', async () => {
  const path = join(cluster.data(2), 'data', 'identity.json');
  const identity = readFileSync(path, 'utf8');
  writeFileSync(path, identity.replace(/"store": "[0-9a-f]+"/, `"store": "${'e'.repeat(32)}"`));
  await undisturbedBy(async () => {
    const amnesiac = cluster.start(['run', '--config', join(cluster.data(2), 'node.yaml')]);
    await amnesiac.says(
      /n3 has another disk than the cluster has on record; remove it and join anew/,
    );
    await amnesiac.stop();
  });
  writeFileSync(path, identity);
});

/** What somebody makes who has the peer CA's key. */
const stolenMaterial = (name: string): PeerMaterial => {
  const stolen = join(cluster.data(0), 'authority');
  const pair = issueNode({
    authority: {
      certificate: readFileSync(join(stolen, 'peer-ca.g1.crt'), 'utf8'),
      key: readFileSync(join(stolen, 'peer-ca.g1.key'), 'utf8'),
    },
    cluster: token.cluster,
    name: nodeNameFrom(name),
    hosts: ['127.0.0.1'],
  });
  return { certificate: pair.certificate, key: pair.key, ca };
};

test("a stolen CA key makes nobody a member: another key under a member's name is refused", async () => {
  const certs = join(cluster.data(2), 'certs');
  const { certificate, key } = stolenMaterial('n3');
  writeFileSync(join(certs, 'peer.crt'), certificate);
  writeFileSync(join(certs, 'peer.key'), key);
  await undisturbedBy(async () => {
    const intruder = cluster.start(['run', '--config', join(cluster.data(2), 'node.yaml')]);
    await intruder.says(/the key of n3 is not the one the cluster has on record/);
    await intruder.stop();
  });
});

test('ID-04 a valid certificate of a name that never joined leads nobody, deposes nobody and is answered nothing', async (t) => {
  const before = await cluster.status(0);
  const answered: unknown[] = [];
  const material = stolenMaterial('n7');
  const n1 = nodeNameFrom('n1');
  const n2 = nodeNameFrom('n2');
  const intruder = await openTransport({
    cluster: token.cluster,
    self: nodeNameFrom('n7'),
    storeId: storeIdFrom('7'.repeat(32)),
    featureLevel: 1,
    engine: '',
    advertise: '',
    listenHost: '127.0.0.1',
    listenPort: 0,
    material: () => material,
    denied: () => undefined,
    admit: () => ({ kind: 'heard' }),
    onMessages: (_from, messages) => answered.push(...messages),
    onCall: () => undefined,
    onImage: () => undefined,
    onLink: () => undefined,
    onRefused: () => undefined,
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    random: () => 0,
  });
  t.after(() => intruder.close());
  intruder.setPeers(
    new Map([
      [n1, `127.0.0.1:${cluster.portBase + 1}`],
      [n2, `127.0.0.1:${cluster.portBase + 11}`],
    ]),
  );
  await eventually('both hear the intruder', () =>
    Promise.resolve(intruder.isUp(n1) && intruder.isUp(n2)),
  );
  const from = nodeId('n7');
  for (const to of [nodeId('n1'), nodeId('n2')]) {
    const envelope = { from, to, term: term(1_000_000) };
    const last = { lastIndex: logIndex(1_000_000), lastTerm: term(999_999) };
    const zero = { prevIndex: logIndex(0), prevTerm: term(0), commitIndex: logIndex(0) };
    intruder.send([
      { kind: 'append', ...envelope, ...zero, entries: [] },
      { kind: 'heartbeat', ...envelope, commitIndex: logIndex(0), readContext: 0 },
      { kind: 'vote-request', ...envelope, ...last, preVote: false, transfer: true },
    ]);
  }
  // A call of every kind; none is answered before its deadline.
  const replies = await Promise.all(
    [1, 2, 3].map(
      (method) =>
        new Promise<string>((resolve) => {
          intruder.call(n1, method, Buffer.alloc(0), 1000, ({ kind }) => resolve(kind));
        }),
    ),
  );
  assert.deepEqual(replies, ['failed', 'failed', 'failed']);
  assert.doesNotMatch(await cluster.execute(1, 'CREATE TABLE IF NOT EXISTS still (a)'), /error/);
  assert.deepEqual(office(await cluster.status(0)), office(before));
  assert.deepEqual(answered, []);
  assert.deepEqual(await membersAt(0), ['n1', 'n2', 'n3']);
});

test('a newcomer whose answer was lost asks again and is answered, with the same key only; removed, it is not', async (t) => {
  const { tokens, run } = await cluster.admit(0, ['n5']);
  const fifth = tokenFrom(tokens[0] ?? '');
  const port = cluster.portBase + 59;
  const door = await doorAt(port);
  t.after(() => door.close());
  const key = hostileKey(fifth);
  const claim = claimOf(fifth, key.key, `127.0.0.1:${port}`);
  const ask = async (by = key, what = claim): Promise<string> => {
    const connection = await hostileConnection(fifth, by, ca);
    return connection.send(signed(fifth, what, by.keyPin, connection.binding));
  };
  assert.equal(await ask(), 'let in');
  assert.equal(await ask(), 'let in');
  assert.deepEqual(await membersAt(0), ['n1', 'n2', 'n3', 'n5']);
  const other = hostileKey(fifth);
  assert.match(
    await ask(other, claimOf(fifth, other.key, `127.0.0.1:${port}`)),
    /the token for n5 has been used/,
  );
  const removed = await stockade(['remove', 'n5', '--data', cluster.data(0)]);
  assert.equal(removed.code, 0, removed.stderr);
  assert.match(await ask(), /the token for n5 has been used/);
  assert.deepEqual(await membersAt(0), ['n1', 'n2', 'n3']);
  await run.stop();
});

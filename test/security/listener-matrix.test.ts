// LST-01: no listener is built otherwise than the others. Every hostile client certificate,
// protocol and version at the peer port, the API and the join listener, because a check that one of
// them forgot is the classic.
import assert from 'node:assert/strict';
import { createServer as createHttps, request } from 'node:https';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { after, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { issueHttps } from '#certs-tool/issue.ts';
import { openJoinListener } from '#cluster/join-listener.ts';
import { joinFrame } from '#cluster/join-messages.ts';
import { configFrom } from '#node/config.ts';
import { settings } from '#node/settings.ts';
import { httpsServerOptions } from '#tls/tls-options.ts';
import { identifyUser } from '#tls/user-identity.ts';
import { cluster, type Leaf, namesOf, uriOf } from '../tls/hostile-certificates.ts';
import { dialAs } from '../transport/fake-peer.ts';
import { openNode, peerCa, until } from '../transport/nodes.ts';
import { type Base, clientCa, hostile, issue, nodeBase, userBase } from './hostile-leaves.ts';

/** As an attacker shows it: no rule of this side may keep anything back. */
const shown = ({ certificate, key }: Leaf): ConnectionOptions => ({
  cert: certificate,
  key,
  ciphers: 'DEFAULT:@SECLEVEL=0',
  rejectUnauthorized: false,
  host: '127.0.0.1',
});

/** A listener: how a client is let in by it, and what it is told apart by. */
interface Door {
  readonly name: string;
  readonly base: Base;
  readonly alpn: string;
  readonly port: number;
  /** Whether this client got what only somebody known gets. */
  letsIn(client: ConnectionOptions): Promise<boolean>;
  close(): Promise<void> | void;
}

const node = await openNode('n1');
const applications: unknown[] = [];
const joinListener = await openJoinListener({
  host: '127.0.0.1',
  port: 0,
  material: () => ({ ...issue(nodeBase, { names: namesOf(uriOf('n1')) }), ca: peerCa.certificate }),
  admit: (application) => {
    applications.push(application);
    return Promise.reject(new Error('nobody holds a token here'));
  },
  onRefused: () => undefined,
});
const apiPair = issueHttps({ authority: clientCa, cluster, hosts: ['127.0.0.1', 'localhost'] });
const api = createHttps(
  {
    ...httpsServerOptions({
      certificate: apiPair.certificate,
      key: apiPair.key,
      clientCa: clientCa.certificate,
    }),
  },
  (asked, answer) => {
    const identity = identifyUser(asked.socket as TLSSocket, cluster);
    answer.end(identity.kind);
  },
);
await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));

/** Says something and gives what comes back until the end. */
const said = (client: ConnectionOptions, bytes: Uint8Array): Promise<Buffer> =>
  new Promise((resolve) => {
    const heard: Buffer[] = [];
    let socket: TLSSocket;
    try {
      socket = connect(client);
    } catch {
      resolve(Buffer.alloc(0));
      return;
    }
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(heard)));
    socket.once('secureConnect', () => socket.end(bytes));
  });

const peerDoor: Door = {
  name: 'the peer port',
  base: nodeBase,
  alpn: 'stockade-peer/1',
  port: node.transport.port,
  letsIn: async (client) => {
    const peer = await dialAs('n2', node, client);
    peer.sendHello();
    const open = (): boolean => peer.frames.length > 0;
    await until('an end or a greeting', () => peer.closed || open());
    peer.socket.destroy();
    return open();
  },
  close: () => node.transport.close(),
};

const apiDoor: Door = {
  name: 'the API',
  base: userBase,
  alpn: 'http/1.1',
  port: (api.address() as AddressInfo).port,
  letsIn: (client) =>
    new Promise((resolve) => {
      const { host: _host, ...rest } = client;
      const asked = request(
        { ...rest, host: '127.0.0.1', port: apiDoor.port, agent: false, path: '/' },
        (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          answer.on('end', () => resolve(text === 'user'));
        },
      );
      asked.on('error', () => resolve(false));
      asked.end();
    }),
  close: () => {
    api.close();
  },
};

/** What a certificate says counts for nothing here: without a token nobody is asked. */
const joinDoor: Door = {
  name: 'the join listener',
  base: nodeBase,
  alpn: 'stockade-join/1',
  port: joinListener.port,
  letsIn: async (client) => {
    const before = applications.length;
    const bytes = await said({ ...client, port: joinListener.port }, Buffer.from('let me in'));
    return bytes[4] === joinFrame.answer || applications.length > before;
  },
  close: () => joinListener.close(),
};

const doors = [peerDoor, apiDoor, joinDoor];
after(async () => {
  for (const door of doors) await door.close();
});

const clientOf = (door: Door, leaf: Leaf): ConnectionOptions => ({
  ...shown(leaf),
  ALPNProtocols: [door.alpn],
});

for (const door of [peerDoor, apiDoor]) {
  test(`LST-01 ${door.name} lets in who is in order: the refusals below are no accident`, async () => {
    assert.equal(await door.letsIn(clientOf(door, issue(door.base))), true);
  });
}

for (const door of doors) {
  for (const [what, make] of hostile) {
    test(`LST-01 ${what}: a client certificate like this opens nothing at ${door.name}`, async () => {
      assert.equal(await door.letsIn(clientOf(door, make(door.base))), false);
    });
  }

  test(`LST-01 TLS-01 bytes that are no TLS get an alert at most at ${door.name}, and the end`, async () => {
    for (const noise of [
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.alloc(500, 0x41),
    ]) {
      const heard = await new Promise<Buffer>((resolve) => {
        const chunks: Buffer[] = [];
        const socket = connectPlain(door.port, '127.0.0.1');
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(Buffer.concat(chunks)));
        socket.write(noise);
      });
      const isHttp = heard.toString('latin1').startsWith('HTTP/1.1 400');
      assert.ok(heard.length === 0 || heard[0] === 21 || (door === apiDoor && isHttp));
    }
  });

  test(`LST-01 TLS-03 old versions of TLS are refused at ${door.name}`, async () => {
    const versions =
      door === apiDoor ? (['TLSv1', 'TLSv1.1'] as const) : (['TLSv1.1', 'TLSv1.2'] as const);
    for (const version of versions) {
      const old = { minVersion: version, maxVersion: version, port: door.port };
      const client = { ...clientOf(door, issue(door.base)), ...old };
      assert.deepEqual(await said(client, Buffer.from('x')), Buffer.alloc(0), version);
    }
  });

  test(`LST-01 TLS-10 another protocol is refused at ${door.name}`, async () => {
    const client = { ...clientOf(door, issue(door.base)), ALPNProtocols: ['h2'], port: door.port };
    assert.deepEqual(await said(client, Buffer.from('x')), Buffer.alloc(0));
  });

  test(`LST-01 TLS-11 TLS-13 TLS-28 ${door.name} resumes no session and renegotiates nothing`, async () => {
    for (const maxVersion of door === apiDoor
      ? (['TLSv1.2', 'TLSv1.3'] as const)
      : (['TLSv1.3'] as const)) {
      const base = { ...clientOf(door, issue(door.base)), maxVersion, port: door.port };
      const dial = (
        session?: Buffer,
      ): Promise<{
        reused: boolean;
        last: Buffer | undefined;
        renegotiates: boolean;
      }> =>
        new Promise((resolve) => {
          const socket = connect({ ...base, ...(session === undefined ? {} : { session }) });
          socket.on('error', () => undefined);
          socket.once('secureConnect', () => {
            const reused = socket.isSessionReused();
            const early = socket.getSession();
            const done = (renegotiates: boolean): void => {
              resolve({
                reused,
                last: socket.getSession() ?? early,
                renegotiates,
              });
              socket.destroy();
            };
            if (maxVersion === 'TLSv1.3') setTimeout(() => done(false), 50);
            else {
              socket.renegotiate({}, (error) => done(error === null));
              setTimeout(() => done(false), 500);
              socket.once('close', () => done(false));
            }
          });
        });
      const first = await dial();
      assert.equal(first.renegotiates, false, 'renegotiation');
      assert.equal((await dial(first.last)).reused, false, 'resumption');
    }
  });
}

test('TLS-02 no setting means plaintext: none is named so, and what is invented is refused', () => {
  for (const { key } of settings) {
    assert.doesNotMatch(key, /^(?:peer|http|join)\..*(?:tls|plain|insecure|verify)/i);
  }
  for (const flag of ['peer.tls', 'peer.insecure', 'http.tls', 'insecure.peer']) {
    assert.throws(
      () => configFrom({ flags: new Map([[flag, 'false']]), environment: {}, file: undefined }),
      { code: 'config_invalid' },
      flag,
    );
  }
});

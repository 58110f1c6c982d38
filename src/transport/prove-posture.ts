// At start a node proves its own posture instead of believing its settings: it knocks at its own
// peer port the ways a stranger would and must be refused each time. A port that lets one of them
// in, or that cannot be reached at all, is told; the caller does not start then.
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { foreignCertificate } from '#tls/foreign-certificate.ts';
import { type PeerMaterial, peerDialOptions } from '#tls/tls-options.ts';
import { frameKind } from './frame-kind.ts';
import { frameOf } from './frame-link.ts';
import { encodeHello, protocolVersion } from './hello-codec.ts';
import type { OwnKnocks } from './own-knocks.ts';

/** A way to knock. */
export type Probe = 'plain-tcp' | 'no-certificate' | 'foreign-certificate' | 'tls-1.2';

/** What came of a probe; only 'refused' is right. */
export interface Probed {
  readonly probe: Probe;
  readonly outcome: 'refused' | 'accepted' | 'unreachable';
}

/** Which port, and what this node knows. */
export interface PostureOptions {
  readonly host: string;
  readonly port: number;
  readonly cluster: ClusterId;
  readonly self: NodeName;
  readonly material: PeerMaterial;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Is told where each knock comes from. */
  readonly knocks: OwnKnocks;
  /** See below; for tests. */
  readonly refusalTimeoutMs?: number;
}

/**
 * A connection that is still open after this long was not refused. Shorter than the port's own
 * patience with connections that say nothing, which must not be mistaken for a refusal.
 */
const refusalTimeoutDefaultMs = 3000;

/**
 * A port that says nothing for so long may be slow: on a machine without CPU a refusal takes longer
 * than that. It is knocked at again; one that never refuses has let the stranger in.
 */
const triesMax = 6;

/**
 * What a probe says when it is let in: a hello that is in order, so that nothing else is the
 * reason.
 */
const helloOf = ({ cluster, self }: PostureOptions): Buffer =>
  frameOf(
    frameKind.hello,
    encodeHello({
      version: protocolVersion,
      cluster,
      name: self,
      storeId: storeIdFrom('0'.repeat(32)),
      boot: '0'.repeat(32),
      connection: 'heartbeat',
      featureLevel: 0,
      engine: '',
      address: '',
    }),
  );

/** The one thing that a port may say to bytes that are no TLS is an alert: record type 21. */
const isAlert = (bytes: Buffer): boolean => bytes[0] === 21;

/** What the time-out leaves: connected and neither let in nor refused, or not even connected. */
type Undecided = 'open' | 'silent';

const outcomeOf = (
  socket: Socket,
  connected: 'connect' | 'secureConnect',
  hello: Buffer,
  { timeoutMs, knocks }: { readonly timeoutMs: number; readonly knocks: OwnKnocks },
): Promise<Probed['outcome'] | Undecided> =>
  new Promise((resolve) => {
    let reached = false;
    const end = (outcome: Probed['outcome'] | Undecided): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end(reached ? 'open' : 'silent'), timeoutMs);
    socket.once('connect', () => {
      reached = true;
      knocks.knocking(`${socket.localAddress}:${socket.localPort}`);
    });
    socket.once(connected, () => socket.write(hello));
    socket.on('data', (bytes) => {
      if (connected === 'secureConnect' || !isAlert(bytes)) end('accepted');
    });
    socket.on('error', () => undefined);
    socket.once('close', () => end(reached ? 'refused' : 'unreachable'));
  });

/** Knocks until there is an answer. */
const knocked = async (
  connected: 'connect' | 'secureConnect',
  options: PostureOptions,
  dial: () => Socket,
): Promise<Probed['outcome']> => {
  const hello = helloOf(options);
  const { knocks, refusalTimeoutMs: timeoutMs = refusalTimeoutDefaultMs } = options;
  for (let tries = 1; ; tries++) {
    const outcome = await outcomeOf(dial(), connected, hello, { timeoutMs, knocks });
    if (outcome !== 'open' && outcome !== 'silent') return outcome;
    if (tries === triesMax) return outcome === 'open' ? 'accepted' : 'unreachable';
  }
};

/** Suites that a TLS 1.2 client offers; with those of 1.3 alone it would refuse itself. */
const suites12 = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256';

/**
 * Knocks in every way at once; anything but 'refused' for each must keep the node from starting.
 */
export const provePosture = async (options: PostureOptions): Promise<readonly Probed[]> => {
  const { host, port, cluster, self, material, nowMs } = options;
  const ours = { ...peerDialOptions(material), host, port };
  const { cert: _certificate, key: _key, ...anonymous } = ours;
  const foreign = foreignCertificate({ kind: 'node', cluster, name: self }, nowMs);
  const strangers: readonly (readonly [Probe, ConnectionOptions])[] = [
    ['no-certificate', anonymous],
    ['foreign-certificate', { ...ours, cert: foreign.certificate, key: foreign.key }],
    ['tls-1.2', { ...ours, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: suites12 }],
  ];
  const plain = knocked('connect', options, () => connectPlain({ host, port }));
  return Promise.all([
    plain.then((outcome) => ({ probe: 'plain-tcp' as const, outcome })),
    ...strangers.map(async ([probe, knock]) => ({
      probe,
      outcome: await knocked('secureConnect', options, () => connectTls(knock)),
    })),
  ]);
};

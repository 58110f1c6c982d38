// A node that starts knocks at its own peer port as a stranger would: whoever gets in stops the
// start. Must run before anything is served.
import { CodedError } from '#errors.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import type { OwnKnocks } from '#transport/own-knocks.ts';
import { type Probe, provePosture } from '#transport/prove-posture.ts';
import type { NodeConfig } from './config.ts';
import type { FolderIdentity } from './identity-file.ts';
import type { Logger } from './logger.ts';
import type { NodeEffects } from './node-effects.ts';

const described: Readonly<Record<Probe, string>> = {
  'plain-tcp': 'plain TCP',
  'no-certificate': 'no certificate',
  'foreign-certificate': 'a foreign certificate',
  'tls-1.2': 'TLS 1.2',
};

/** @throws CodedError `internal` when the port lets a stranger in or cannot be reached */
export const requirePosture = async (
  {
    config,
    effects,
    log,
  }: {
    readonly config: NodeConfig;
    readonly effects: NodeEffects;
    readonly log: Logger;
  },
  { cluster, name }: FolderIdentity,
  material: PeerMaterial,
  port: number,
  knocks: OwnKnocks,
): Promise<void> => {
  const probed = await provePosture({
    host: config.peer.listen.host,
    port,
    cluster,
    self: name,
    material,
    nowMs: effects.clock.wallMs(),
    knocks,
  });
  await knocks.heard();
  const wrong = probed.filter(({ outcome }) => outcome !== 'refused');
  if (wrong.length === 0) {
    const refused = probed.map(({ probe }) => described[probe]).join(', ');
    log.info({ refused }, 'posture proved: the peer port refused this node as a stranger');
    return;
  }
  const what = wrong.map(({ probe, outcome }) => `${probe} ${outcome}`).join(', ');
  throw new CodedError('internal', `the peer port does not refuse strangers: ${what}`, {
    hint: 'This node must not serve like this; report it as a security fault.',
  });
};

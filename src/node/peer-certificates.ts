// The peer port's certificates while the node runs: files that change are taken up, links that are
// trusted no more are cut, the end is counted down, and the fronts are told of it.
import type { CertificateEnd } from '#http/certificate-ends.ts';
import { endsOfPeer } from '#tls/certificate-ends.ts';
import type { Reload, ReloadableMaterial } from '#tls/reloadable-material.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import { CertificateCountdown, countdownEveryMs } from './certificate-countdown.ts';
import type { Logger } from './logger.ts';
import { MaterialWatch, materialLookEveryMs } from './material-watch.ts';

/** What it works with. */
export interface PeerCertificatesOptions {
  readonly material: ReloadableMaterial<PeerMaterial>;
  readonly log: Logger;
  readonly wallMs: () => number;
  /** New certificates are in use: links are to be judged anew. */
  readonly onReloaded: (ends: readonly CertificateEnd[]) => void;
}

/** Runs until it is stopped. */
export interface PeerCertificates {
  /** Looks at the files now. */
  reload(): Reload;
  stop(): void;
}

/** See the head of this file. */
export const watchPeerCertificates = (options: PeerCertificatesOptions): PeerCertificates => {
  const { material, log, wallMs, onReloaded } = options;
  const ends = (): readonly CertificateEnd[] => endsOfPeer(material.current());
  const countdown = new CertificateCountdown(ends, log, wallMs);
  const watch = new MaterialWatch({
    material,
    what: 'peer',
    log,
    onReloaded: () => {
      countdown.look();
      onReloaded(ends());
    },
  });
  countdown.look();
  const timers = [
    setInterval(() => watch.look(), materialLookEveryMs),
    setInterval(() => countdown.look(), countdownEveryMs),
  ];
  return {
    reload: () => watch.look(),
    stop: () => {
      for (const timer of timers) clearInterval(timer);
    },
  };
};

// The peer port's certificates while the node runs: files that change are taken up, links that are
// trusted no more are cut, the end is counted down, and the fronts are told of it. A key that the
// cluster does not have on record is not taken up: with it this node would be a stranger.
import { X509Certificate } from 'node:crypto';
import { CodedError } from '#errors.ts';
import type { CertificateEnd } from '#http/certificate-ends.ts';
import { keyPinOf } from '#tls/certificate.ts';
import { endsOfPeer } from '#tls/certificate-ends.ts';
import type { Reload, ReloadableMaterial } from '#tls/reloadable-material.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import { CertificateCountdown, countdownEveryMs } from './certificate-countdown.ts';
import type { Logger } from './logger.ts';
import { MaterialWatch, materialLookEveryMs } from './material-watch.ts';

/** What it works with. */
export interface PeerCertificatesOptions {
  readonly material: ReloadableMaterial<PeerMaterial>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly wallMs: () => number;
  /** SHA-256 of this node's key by the cluster's record; undefined while it is not on it. */
  readonly keyPinOnRecord: () => string | undefined;
  /** New certificates are in use: links are to be judged anew. */
  readonly onReloaded: (ends: readonly CertificateEnd[]) => void;
}

/** Runs until it is stopped. */
export interface PeerCertificates {
  /** Looks at the files now. */
  reload(): Reload;
  stop(): void;
}

const pinOf = ({ certificate }: PeerMaterial): string => keyPinOf(new X509Certificate(certificate));

/** Refuses another key than the one on record, or than the one in use while there is none. */
const requireSameKey = (
  loaded: PeerMaterial,
  { material, keyPinOnRecord }: PeerCertificatesOptions,
): void => {
  if (pinOf(loaded) === (keyPinOnRecord() ?? pinOf(material.current()))) return;
  throw new CodedError(
    'certificate_invalid',
    'the peer certificate has another key than the cluster has on record for this node',
    {
      hint: 'Put the old key and its certificate back; for another key, remove the node and admit it anew.',
    },
  );
};

/** See the head of this file. */
export const watchPeerCertificates = (options: PeerCertificatesOptions): PeerCertificates => {
  const { material, log, wallMs, onReloaded } = options;
  const ends = (): readonly CertificateEnd[] => endsOfPeer(material.current());
  const countdown = new CertificateCountdown(ends, log, wallMs);
  const watch = new MaterialWatch({
    material,
    what: 'peer',
    log,
    accept: (loaded) => requireSameKey(loaded, options),
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

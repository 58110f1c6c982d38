// When certificates in use end: of each file the first one to end, because the node cannot start
// with that file from then on.
import { X509Certificate } from 'node:crypto';
import { certificateBlocksIn } from './certificate.ts';
import type { HttpsMaterial, PeerMaterial } from './tls-options.ts';

/** Of one file; the material was checked, so each file has at least one certificate. */
export interface FileEnd {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const endOf = (name: string, pem: string): FileEnd => {
  const certificates = certificateBlocksIn(pem).map((block) => new X509Certificate(block));
  const notAfterMs = Math.min(...certificates.map((one) => one.validToDate.getTime()));
  const first = certificates.find((one) => one.validToDate.getTime() === notAfterMs);
  return { name, notAfterMs, notBeforeMs: first?.validFromDate.getTime() ?? 0 };
};

/** Of the peer port's files. */
export const endsOfPeer = ({ certificate, ca }: PeerMaterial): readonly FileEnd[] => [
  endOf('peer', certificate),
  endOf('peer-ca', ca),
];

/** Of the API's files. */
export const endsOfHttps = ({ certificate, clientCa }: HttpsMaterial): readonly FileEnd[] => [
  endOf('https', certificate),
  ...(clientCa === undefined ? [] : [endOf('client-ca', clientCa)]),
];

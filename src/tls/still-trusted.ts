// Whether a peer that was trusted when it connected would be trusted now: authorities change while
// connections stay. Says nothing of dates, which the sweep looks at with a grace.
import { X509Certificate } from 'node:crypto';
import { certificateBlocksIn, isIssuedBy } from './certificate.ts';

/** A chain longer than this was not let in. */
const chainLengthMax = 5;

/** Whether the chain of `certificate`, as its connection showed it, leads to one of `ca` (PEM). */
export const isStillTrusted = (certificate: X509Certificate, ca: string): boolean => {
  const authorities = certificateBlocksIn(ca).map((block) => new X509Certificate(block));
  let link: X509Certificate | undefined = certificate;
  for (let depth = 0; depth < chainLengthMax && link !== undefined; depth++) {
    const current: X509Certificate = link;
    if (authorities.some((authority) => isIssuedBy(current, authority))) return true;
    const above: X509Certificate | undefined = current.issuerCertificate;
    if (above === undefined || above.fingerprint256 === current.fingerprint256) return false;
    link = isIssuedBy(current, above) ? above : undefined;
  }
  return false;
};

// When this node's certificates end, as `/status`, `/readyz` and `/metrics` say it and the log
// counts it down. A certificate ages by its own length of life: one of a day is renewed in hours,
// one of a year in months.
import type { Sample } from './metrics/exposition.ts';

/** One file's first certificate to end. */
export interface CertificateEnd {
  /** `peer`, `peer-ca`, `https` or `client-ca`. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** How old a certificate is: renew it when it ages, at the latest when it is ending. */
export type CertificateAge = 'good' | 'ageing' | 'ending' | 'ended';

const ageingBelow = 1 / 3;
const endingBelow = 1 / 10;
const dayMs = 86_400_000;

/** The age at a moment. */
export const ageOf = (end: CertificateEnd, nowMs: number): CertificateAge => {
  const leftMs = end.notAfterMs - nowMs;
  if (leftMs <= 0) return 'ended';
  const share = leftMs / (end.notAfterMs - end.notBeforeMs);
  if (share < endingBelow) return 'ending';
  return share < ageingBelow ? 'ageing' : 'good';
};

/** Days until the end, to a tenth; negative behind it. */
export const daysLeft = ({ notAfterMs }: CertificateEnd, nowMs: number): number =>
  Math.round((10 * (notAfterMs - nowMs)) / dayMs) / 10;

const iso = ({ notAfterMs }: CertificateEnd): string => new Date(notAfterMs).toISOString();

/** What is said of one that is not good; of one that ended, that it did. */
export const endText = (end: CertificateEnd, nowMs: number): string =>
  ageOf(end, nowMs) === 'ended'
    ? `certificate ${end.name} expired on ${iso(end)}: renew it with stockade-certs renew`
    : `certificate ${end.name} ends in ${daysLeft(end, nowMs)} days`;

/** The lines of `/readyz`: none while all is good; only one that ended keeps a node from ready. */
export const readyLines = (ends: readonly CertificateEnd[], nowMs: number): readonly string[] =>
  ends
    .filter((end) => ageOf(end, nowMs) !== 'good')
    .map((end) => `[+]${endText(end, nowMs)}${ageOf(end, nowMs) === 'ended' ? '' : ' ok'}`);

/** The part of `/status`. */
export const statusOfEnds = (ends: readonly CertificateEnd[], nowMs: number): unknown =>
  ends.map((end) => ({
    name: end.name,
    not_after: iso(end),
    days_left: daysLeft(end, nowMs),
    state: ageOf(end, nowMs),
  }));

/** The part of `/metrics`. */
export const samplesOfEnds = (ends: readonly CertificateEnd[], nowMs: number): readonly Sample[] =>
  ends.map((end) => ({
    name: 'stockade_certificate_left_seconds',
    labels: { certificate: end.name },
    value: Math.round((end.notAfterMs - nowMs) / 1000),
  }));

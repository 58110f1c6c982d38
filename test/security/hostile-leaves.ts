// Leaf certificates that must open nothing, whoever they are shown to: each is in order but for one
// thing. One table for all listeners and all that dials.
import { createAuthority } from '#certs-tool/authority.ts';
import {
  bitString,
  type DerValue,
  derOf,
  objectIdentifier,
  octetString,
  sequence,
} from '#certs-tool/der-writer.ts';
import { newKeyPair } from '#certs-tool/key-pair.ts';
import { oidClientAuth, oidKeyUsage, oidServerAuth } from '#certs-tool/oid.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { selfSignedCertificate } from '#tls/self-signed-certificate.ts';
import {
  type Changes,
  cluster,
  daysFromNow,
  issueHostile,
  type Leaf,
  namesOf,
  uriOf,
  urisOf,
} from '../tls/hostile-certificates.ts';
import { peerCa } from '../transport/nodes.ts';

export const clientCa = createAuthority({ kind: 'client', cluster });

/** Who may come in: the base that each case changes in one way. */
export interface Base {
  readonly authority: typeof peerCa;
  readonly kind: 'node' | 'user';
  readonly purposes: readonly string[];
}

export const nodeBase: Base = {
  authority: peerCa,
  kind: 'node',
  purposes: [oidServerAuth, oidClientAuth],
};
export const userBase: Base = { authority: clientCa, kind: 'user', purposes: [oidClientAuth] };

const keyUsage = (bits: number, unused: number): DerValue =>
  sequence(
    objectIdentifier(oidKeyUsage),
    octetString(derOf(bitString(Uint8Array.of(bits), unused))),
  );

export const issue = (base: Base, changes: Changes = {}): Leaf =>
  issueHostile({
    authority: base.authority,
    purposes: base.purposes,
    names: namesOf(uriOf('n2', base.kind)),
    ...changes,
  });

const otherAuthority = ({ authority }: Base, generation: number): typeof peerCa =>
  createAuthority({ kind: authority === peerCa ? 'peer' : 'client', cluster, generation });

const selfSigned = (): Leaf => {
  const { key } = newKeyPair();
  const identity = { kind: 'node', cluster, name: nodeNameFrom('n2') } as const;
  const claim = { identity, commonName: 'n2', key, nowMs: Date.now() };
  return { key, certificate: selfSignedCertificate(claim) };
};

const behind = (base: Base, above: Leaf): Leaf => {
  const leaf = issue(base, { authority: above });
  return { ...leaf, certificate: leaf.certificate + above.certificate };
};

const wrongKind = (base: Base): string => uriOf('n2', base.kind === 'node' ? 'user' : 'node');

/** Certificates that must open nothing, whoever they are shown to. */
export const hostile: readonly (readonly [string, (base: Base) => Leaf])[] = [
  [
    'TLS-14 expired',
    (base) => issue(base, { notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) }),
  ],
  [
    'TLS-15 not yet valid',
    (base) => issue(base, { notBefore: daysFromNow(1), notAfter: daysFromNow(9) }),
  ],
  ['TLS-16 of another CA', (base) => issue(base, { authority: otherAuthority(base, 2) })],
  [
    'TLS-16 of another CA with the same name',
    (base) => issue(base, { authority: otherAuthority(base, 1) }),
  ],
  ['TLS-17 without a purpose', (base) => issue(base, { purposes: [] })],
  ['TLS-17 for mail', (base) => issue(base, { purposes: ['1.3.6.1.5.5.7.3.4'] })],
  ['TLS-18 not for signatures', (base) => issue(base, { keyUsage: keyUsage(0b0010_0000, 5) })],
  ['TLS-19 self-signed', selfSigned],
  ['TLS-20 issued by a leaf', (base) => behind(base, issue(base))],
  [
    'TLS-21 of a CA below a CA that may have none',
    (base) => behind(base, issue(base, { isAuthority: true, subject: 'sub' })),
  ],
  ['TLS-23 with a key of RSA-1024', (base) => issue(base, { rsaBits: 1024 })],
  [
    'TLS-24 a CA itself',
    (base) => issue(base, { isAuthority: true, keyUsage: keyUsage(0b1000_0100, 2) }),
  ],
  ['TLS-24 with serial number 0', (base) => issue(base, { serial: Uint8Array.of(0) })],
  [
    'TLS-25 with 10,000 names',
    (base) =>
      issue(base, {
        names: urisOf(...Array.from({ length: 10_000 }, (_, at) => uriOf(`n${at}`, base.kind))),
      }),
  ],
  ['TLS-27 with host names only', (base) => issue(base, { names: namesOf(undefined) })],
  [
    'ID-02 with two identities',
    (base) => issue(base, { names: urisOf(uriOf('n2', base.kind), uriOf('n3', base.kind)) }),
  ],
  [
    'ID-02 with a path',
    (base) => issue(base, { names: urisOf(`${uriOf('n2', base.kind)}/../n3`) }),
  ],
  ['ID-02 with an escape', (base) => issue(base, { names: urisOf(uriOf('n%32', base.kind)) })],
  [
    'ID-02 with a comma',
    (base) => issue(base, { names: urisOf(`x, URI:${uriOf('n2', base.kind)}`) }),
  ],
  ['ID-07 ID-08 of the other kind', (base) => issue(base, { names: namesOf(wrongKind(base)) })],
  [
    'ID-07 ID-08 of the other CA of this cluster',
    (base) => issue(base, { authority: base.authority === peerCa ? clientCa : peerCa }),
  ],
  [
    'ID-09 of another cluster',
    (base) => issue(base, { names: namesOf(uriOf('n2', base.kind, 'f'.repeat(32))) }),
  ],
];

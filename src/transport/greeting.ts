// What a hello must say before its sender is heard. Pure: the certificate's word is in `proved`,
// the rest is the other side's claim and compared with it.
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import type { ProvedNode } from '#tls/peer-identity.ts';
import type { ConnectionKind } from './frame-kind.ts';
import type { Hello } from './hello-codec.ts';
import type { Admission, PeerIdentity } from './transport.ts';

/** What this side knows when a hello arrives. */
export interface GreetingContext {
  readonly cluster: ClusterId;
  readonly self: NodeName;
  readonly proved: ProvedNode;
  /** What the connection was dialled for; undefined on the accepting side. */
  readonly dialledFor: ConnectionKind | undefined;
  readonly admit: (peer: PeerIdentity) => Admission;
}

/** What becomes of the connection. */
export type Greeted =
  | { readonly kind: 'heard'; readonly peer: PeerIdentity; readonly connection: ConnectionKind }
  | { readonly kind: 'refused'; readonly reason: string };

const refused = (reason: string): Greeted => ({ kind: 'refused', reason });

/** The peer of a hello, or the reason that it is told. */
export const greetedBy = (hello: Hello, context: GreetingContext): Greeted => {
  const { proved } = context;
  if (hello.cluster !== context.cluster) return refused('other_cluster');
  if (hello.name !== proved.name) return refused('identity_mismatch');
  if (hello.name === context.self) return refused('own_name');
  if (context.dialledFor !== undefined && hello.connection !== context.dialledFor) {
    return refused('other_connection_kind');
  }
  const peer: PeerIdentity = {
    name: proved.name,
    keyPin: proved.keyPin,
    serial: proved.serial,
    issuer: proved.issuer,
    notAfterMs: proved.notAfterMs,
    storeId: hello.storeId,
    featureLevel: hello.featureLevel,
    engine: hello.engine,
    address: hello.address,
  };
  const admission = context.admit(peer);
  if (admission.kind === 'refused') return refused(admission.reason);
  return { kind: 'heard', peer, connection: hello.connection };
};

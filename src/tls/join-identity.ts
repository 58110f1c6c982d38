// Who is at the other end of a first contact (admission.md): the newcomer looks for a node of the
// cluster in its token, the node looks for a key that the handshake proved.
import type { TLSSocket } from 'node:tls';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import {
  certificateIdentityOf,
  keyPinOf,
  purpose,
  type Refused,
  refusedFor,
} from './certificate.ts';
import { joinAlpn } from './tls-options.ts';

/** A node that can let others in. */
export interface JoinServer {
  readonly kind: 'node';
  readonly name: NodeName;
}

/** Whoever asks: with a key that it holds, or (first connection) with none. */
export type Applicant =
  | { readonly kind: 'stranger' }
  | { readonly kind: 'key'; readonly keyPin: string };

const isJoin = (socket: TLSSocket): boolean =>
  socket.alpnProtocol === joinAlpn && !socket.isSessionReused();

/** The node that answers a newcomer, or why it is none. For the second connection only. */
export const identifyJoinServer = (socket: TLSSocket, cluster: ClusterId): JoinServer | Refused => {
  if (!socket.authorized) return refusedFor('not_authorized');
  if (!isJoin(socket)) return refusedFor('wrong_protocol');
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return refusedFor('no_certificate');
  const identity = certificateIdentityOf(certificate, [purpose.serverAuth, purpose.clientAuth]);
  if (identity.kind === 'refused') return identity;
  if (identity.cluster !== cluster) return refusedFor('other_cluster');
  return identity.kind === 'node'
    ? { kind: 'node', name: identity.name }
    : refusedFor('other_kind');
};

/** What a newcomer's handshake proved: possession of a key. Its certificate signs itself. */
export const identifyApplicant = (socket: TLSSocket): Applicant | Refused => {
  if (!isJoin(socket)) return refusedFor('wrong_protocol');
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { kind: 'stranger' };
  return { kind: 'key', keyPin: keyPinOf(certificate) };
};

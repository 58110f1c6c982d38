// The two certificate requests of a newcomer: for its peer port and for its API.
import { createRequest } from '#certs-tool/request.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import type { JoiningFolder } from './joining-folder.ts';
import type { Places } from './places.ts';

/** Who a newcomer will be. */
export interface NewcomerName {
  readonly name: NodeName;
  readonly cluster: ClusterId;
}

/** PKCS#10, PEM. */
export const newcomerRequests = (
  { name, cluster }: NewcomerName,
  { host, peerHosts, httpsHosts }: Places,
  { peerKey, httpsKey }: Pick<JoiningFolder, 'peerKey' | 'httpsKey'>,
): { readonly peerRequest: string; readonly httpsRequest: string } => ({
  peerRequest: createRequest({
    cluster,
    holder: { kind: 'node', name },
    hosts: peerHosts,
    key: peerKey,
  }).request,
  httpsRequest: createRequest({
    cluster,
    holder: { kind: 'https', name: host },
    hosts: httpsHosts,
    key: httpsKey,
  }).request,
});

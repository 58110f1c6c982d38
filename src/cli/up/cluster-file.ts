// `cluster.json`: where a running cluster of `stockade up` is found. Written when every node
// serves, rewritten when a process id changes, removed at a clean stop.
import { adminName } from '#cli/administrator.ts';
import type { NodeLayout, UpLayout } from './layout.ts';

import type { SupervisedNode } from './supervise.ts';

/** The text of cluster.json; all paths are absolute. */
export const clusterFileText = (
  layout: UpLayout,
  nodes: readonly SupervisedNode<NodeLayout>[],
): string =>
  `${JSON.stringify(
    {
      ca: layout.httpsCa,
      peerCa: layout.peerCa,
      clientCa: layout.httpsCa,
      authority: layout.authority,
      admin: {
        user: adminName,
        passwordFile: layout.adminPassword,
        certificate: layout.adminCertificate,
        key: layout.adminKey,
      },
      auth: layout.auth,
      nodes: nodes.map(({ layout: node, pid }) => ({
        name: node.name,
        url: `https://127.0.0.1:${node.httpPort}`,
        peer: `127.0.0.1:${node.peerPort}`,
        pid,
        data: node.data,
        config: node.config,
      })),
    },
    null,
    2,
  )}\n`;

// One node as /nodes and /leader show it: rqlite's keys, empty ones left out as rqlite does.
import type { ClusterNode } from '#http/backend.ts';
import { goDurationText } from '#http/go-duration.ts';

/** The JSON object of a node. */
export const nodeObject = (node: ClusterNode): Record<string, unknown> => ({
  id: node.name,
  ...(node.apiUrl === '' ? {} : { api_addr: node.apiUrl }),
  addr: node.peerAddress,
  version: node.version,
  voter: node.voter,
  reachable: node.reachable,
  leader: node.leader,
  ...(node.seconds === 0
    ? {}
    : { time: Math.round(node.seconds * 1e9) / 1e9, time_s: goDurationText(node.seconds * 1000) }),
  ...(node.error === '' ? {} : { error: node.error }),
});

// A cluster's two CAs and names to issue for, made once for a test file.
import { createAuthority } from '#certs-tool/authority.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { userNameFrom } from '#identity/user-name.ts';

export const cluster = clusterIdFrom('0123456789abcdef0123456789abcdef');
export const otherCluster = clusterIdFrom('fedcba9876543210fedcba9876543210');
export const n1 = nodeNameFrom('n1');
export const ada = userNameFrom('ada');

/** A moment well inside the life of what the machine's clock would make, too. */
export const now = new Date('2026-06-01T12:00:00.789Z');

/** The same bytes on every run: 0x80 everywhere is just above the middle of a spread. */
export const evenBytes = (size: number): Uint8Array => new Uint8Array(size).fill(0x80);

export const peerCa = createAuthority({ kind: 'peer', cluster, now });
export const clientCa = createAuthority({ kind: 'client', cluster, now });

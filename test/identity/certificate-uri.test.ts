// Which URIs of certificates name somebody, and whom.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateUriOf, identityFromUri } from '#identity/certificate-uri.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { userNameFrom } from '#identity/user-name.ts';

const cluster = clusterIdFrom('0123456789abcdef0123456789abcdef');

test('a node identity survives the way through its URI', () => {
  const identity = { kind: 'node', cluster, name: nodeNameFrom('n1') } as const;
  assert.deepEqual(identityFromUri(certificateUriOf(identity)), identity);
});

test('a user identity survives the way through its URI', () => {
  const identity = { kind: 'user', cluster, name: userNameFrom('Ada.L@example') } as const;
  assert.deepEqual(identityFromUri(certificateUriOf(identity)), identity);
});

test('ID-02 a URI outside the one form names nobody', () => {
  const id = String(cluster);
  for (const uri of [
    `spiffe://${id.toUpperCase()}/node/n1`,
    `spiffe://${id}/node/../node/n1`,
    `spiffe://${id}/node/%6e1`,
    `spiffe://${id}/node/n1/`,
    `spiffe://${id}/node/n1?x`,
    `spiffe://${id}/node/n1#x`,
    `spiffe://${id}/node/N1`,
    `spiffe://${id}/node/`,
    `spiffe://${id}/user/..`,
    `spiffe://${id}/admin/n1`,
    `spiffe://${id}:443/node/n1`,
    `https://${id}/node/n1`,
    `spiffe://${id}/node/n1, URI:spiffe://${id}/node/n2`,
    ` spiffe://${id}/node/n1`,
    `spiffe://${id}/node/n1\n`,
    '',
  ]) {
    assert.equal(identityFromUri(uri), undefined, uri);
  }
});

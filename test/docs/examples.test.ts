// The examples in config/: they can be read, name what an operator must set, and open nothing by
// being copied as they are.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';

const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', '..', 'config', name), 'utf8');

/** `a.b.c` of every setting that is no mapping. */
const keysOf = (value: unknown, path = ''): readonly string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) =>
        keysOf(inner, path === '' ? key : `${path}.${key}`),
      )
    : [path];

test('config/node.yaml sets everything that has no default', () => {
  const keys = new Set(keysOf(parse(example('node.yaml'), { strict: true })));
  for (const key of [
    ...['node.name', 'node.data', 'auth.file', 'http.certificate', 'http.key'],
    ...['peer.certificate', 'peer.key', 'peer.ca', 'audit.file'],
  ]) {
    assert.ok(keys.has(key), key);
  }
});

test('config/node.yaml turns nothing insecure on, not even as a comment', () => {
  assert.doesNotMatch(example('node.yaml'), /insecure|compat/);
});

/** A user of the auth file. */
interface User {
  readonly username: string;
  readonly password: string;
  readonly perms: readonly string[];
}

test('nobody can log in with config/auth.json as it is: no password in it is a hash', () => {
  const users = JSON.parse(example('auth.json')) as readonly User[];
  for (const { username, password, perms } of users) {
    assert.ok(perms.length > 0);
    assert.match(password, /^REPLACE THIS: /);
    // bcrypt and this server refuse more than 72 bytes, so the sentence is no password either.
    assert.ok(Buffer.byteLength(password) > 72, username);
  }
  assert.deepEqual(
    users.filter(({ perms }) => perms.includes('all')).map(({ username }) => username),
    ['admin'],
  );
});

test('config/stockade.service keeps the restrictions that the threat model counts on', () => {
  const lines = new Set(example('stockade.service').split('\n'));
  for (const line of [
    ...['User=stockade', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'PrivateTmp=yes'],
    ...['UMask=0077', 'StateDirectoryMode=0700', 'CapabilityBoundingSet=', 'LimitCORE=0'],
    ...['SystemCallFilter=@system-service', 'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX'],
    ...['RestartPreventExitStatus=2 78', 'KillMode=mixed'],
  ]) {
    assert.ok(lines.has(line), line);
  }
  assert.ok([...lines].some((line) => /^MemoryMax=\d+[MG]$/.test(line)));
});

/** The documents of a file of YAML. */
const documentsIn = (name: string): readonly unknown[] =>
  parseAllDocuments(example(name)).map((document) => document.toJS() as unknown);

test('pods in config/kubernetes are not root, hold no capability, no token and no secret', () => {
  const [set] = documentsIn('kubernetes/nodes/nodes.yaml') as readonly StatefulSet[];
  const { spec } = set?.spec.template ?? {};
  assert.ok(spec !== undefined);
  assert.equal(spec.automountServiceAccountToken, false);
  assert.equal(spec.securityContext['runAsNonRoot'], true);
  assert.deepEqual(spec.securityContext['seccompProfile'], { type: 'RuntimeDefault' });
  const [container] = spec.containers;
  assert.deepEqual(container?.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  // The password and the keys of a pod are made in the pod.
  assert.doesNotMatch(example('kubernetes/nodes/nodes.yaml'), /password|\.key\b/i);
});

test('the ports of the manifests and of the container are those of a node', () => {
  const services = example('kubernetes/base/services.yaml');
  for (const port of [4001, 4002, 4003]) {
    assert.ok(services.includes(`port: ${port}`), `${port}`);
    assert.ok(example('kubernetes/nodes/nodes.yaml').includes(`containerPort: ${port}`));
    assert.match(example('container/Containerfile'), new RegExp(`^EXPOSE .*\\b${port}\\b`, 'm'));
  }
});

test('the peer and the join port are open to the pods of the cluster only', () => {
  const policies = documentsIn('kubernetes/base/protection.yaml') as readonly NetworkPolicy[];
  const policy = policies.find(({ kind }) => kind === 'NetworkPolicy');
  for (const { from, ports } of policy?.spec.ingress ?? []) {
    const names = ports.map(({ port }) => port);
    if (names.includes('peer') || names.includes('join')) {
      assert.deepEqual(from, [
        { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'stockade' } } },
      ]);
    }
  }
  assert.equal(policy?.spec.ingress.length, 2);
});

test('the script that starts a pod is one that a shell can read, and passes no token as an argument', () => {
  const path = join(import.meta.dirname, '..', '..', 'config/kubernetes/nodes/start.sh');
  assert.equal(spawnSync('/bin/sh', ['-n', path]).status, 0);
  assert.match(readFileSync(path, 'utf8'), /^exec stockade join - .*< "\/join\/\$POD_NAME"$/m);
});

interface StatefulSet {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly containers: readonly { readonly securityContext: unknown }[];
      };
    };
  };
}

interface NetworkPolicy {
  readonly kind: string;
  readonly spec: {
    readonly ingress: readonly {
      readonly from?: unknown;
      readonly ports: readonly { readonly port: string }[];
    }[];
  };
}

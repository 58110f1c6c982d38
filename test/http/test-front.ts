// A whole front for tests: real TLS on loopback, a real auth file, and the local backend behind it.
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AuditEvent } from '#audit/audit-event.ts';
import { type Auth, openAuth } from '#auth/open-auth.ts';
import { hashPassword } from '#auth/password.ts';
import { type Permission, permissionNames } from '#auth/permission.ts';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps } from '#certs-tool/issue.ts';
import { createFront, type Denial, type Front, type FrontOptions } from '#http/front.ts';
import { queueStandard } from '#http/queue/write-queue.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { resultBytesMax, rowsMax } from '#limits.ts';
import { undocumented } from './documented.ts';
import { LocalBackend } from './local-backend.ts';

/** The cluster and the CA of its HTTPS servers and users. */
export const testCluster = clusterIdFrom('0123456789abcdef0123456789abcdef');
export const testAuthority = createAuthority({ kind: 'client', cluster: testCluster });

/** A server's certificate and key, and the CA that clients trust, PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Makes a certificate for 127.0.0.1 and localhost. */
export const testCertificate = (): TestCertificate => {
  const cluster = testCluster;
  const authority = testAuthority;
  const issued = issueHttps({ authority, cluster, hosts: ['127.0.0.1', 'localhost'] });
  return { cert: issued.certificate, key: issued.key, ca: authority.certificate };
};

/** The password of every test user; its hash is made once, at the cheapest cost allowed. */
export const testPassword = 'a password of the tests';
const testHash = hashPassword(testPassword, 10);

/** Users of the test auth file: one for each permission, `admin` with all, `nothing` with none. */
export const testUsers = [
  { username: 'admin', password: testHash, perms: ['all'] },
  { username: 'nothing', password: testHash, perms: [] },
  { username: 'heavy-writer', password: testHash, perms: ['query', 'execute', 'heavy'] },
  { username: 'reader-writer', password: testHash, perms: ['query', 'execute'] },
  ...permissionNames
    .filter((name) => name !== 'all')
    .map((name) => ({ username: `only-${name}`, password: testHash, perms: [name] })),
];

/** Reads a file of the web console. */
export const readConsoleFile = (path: string): Promise<string> => readFile(path, 'utf8');

/** An answer with its body as text and, where it is JSON, parsed. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly text: string;
}

/** What a test sends; credentials of `user` with the test password unless told otherwise. */
export interface Sent {
  readonly user?: string | undefined;
  readonly password?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A client certificate and its key, PEM; sent on connections of their own. */
  readonly identity?: { readonly cert: string; readonly key: string };
  readonly body?: string | Buffer;
}

/** Value of an Authorization header. */
export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** A front with its parts. */
export interface TestFront {
  readonly front: Front;
  readonly auth: Auth;
  readonly backend: LocalBackend;
  readonly port: number;
  readonly certificate: TestCertificate;
  readonly denials: readonly Denial[];
  /** What went to the audit log. */
  readonly audited: readonly AuditEvent[];
  readonly faults: unknown[];
  /** Replaces the text of the auth file; takes effect with `auth.reload()`. */
  readonly writeAuthFile: (text: string) => void;
  readonly send: (method: string, path: string, sent?: Sent) => Promise<Answer>;
}

/** What a test wants to be otherwise. */
export interface TestFrontOptions {
  readonly front?: Partial<FrontOptions>;
  readonly authFile?: string;
  readonly foreignKeys?: boolean;
  readonly captures?: boolean;
  readonly anonymousPermissions?: readonly Permission[];
  /** The audit log cannot be written, as long as it says so. */
  readonly auditFails?: () => boolean;
  readonly authNowMs?: () => number;
}

/** Opens a front that is closed when the test ends. */
export const openTestFront = async (
  context: TestContext,
  options: TestFrontOptions = {},
): Promise<TestFront> => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-http-'));
  let authFile = options.authFile ?? JSON.stringify(testUsers);
  const auth = openAuth({
    readText: () => authFile,
    plaintextPasswords: false,
    anonymousPermissions: ['ready', ...(options.anonymousPermissions ?? [])],
    wallMs: () => Date.now(),
    nowMs: options.authNowMs ?? (() => performance.now()),
    processKey: 'key of a test process',
  });
  const backend = new LocalBackend(folder, {
    foreignKeys: options.foreignKeys ?? false,
    captures: options.captures ?? false,
  });
  const certificate = testCertificate();
  const denials: Denial[] = [];
  const audited: AuditEvent[] = [];
  const faults: unknown[] = [];
  const front = await createFront({
    tls: { cert: certificate.cert, key: certificate.key, minVersion: 'TLSv1.3' },
    auth,
    backend,
    version: '9.9.9',
    readConsoleFile,
    advertisedAddress: '127.0.0.1:4001',
    peerAddress: '127.0.0.1:4002',
    hosts: undefined,
    requestIdPrefix: 'test',
    nowMs: () => performance.now(),
    reads: { rowsMax, bytesMax: resultBytesMax, deadlineMs: 30_000 },
    queue: queueStandard,
    firstSequence: 1_700_000_000_000_000_001n,
    onQueueFailure: () => {},
    audit: {
      refuse: true,
      record: (event, done) => {
        audited.push(event);
        setImmediate(() => done(options.auditFails?.() !== true));
      },
    },
    onDenied: (denial) => denials.push(denial),
    onFault: (_requestId, error) => faults.push(error),
    ...options.front,
  });
  backend.running = () => front.queries();
  backend.end = (id) => front.kill(id);
  backend.onReloadUsers = () => {
    const reload = auth.reload();
    return { kind: 'reloaded', reload, cutOff: front.cutOff(reload) };
  };
  const port = await front.listen({ kind: 'address', host: '127.0.0.1', port: 0 });
  const agent = new Agent({ keepAlive: true, ca: certificate.ca });
  const agents = new Map<object, Agent>();
  context.after(async () => {
    for (const each of [agent, ...agents.values()]) each.destroy();
    await front.close(100);
    await auth.close();
    backend.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const agentFor = (identity: Sent['identity']): Agent => {
    if (identity === undefined) return agent;
    const own =
      agents.get(identity) ?? new Agent({ keepAlive: true, ca: certificate.ca, ...identity });
    agents.set(identity, own);
    return own;
  };
  return {
    front,
    auth,
    backend,
    port,
    certificate,
    denials,
    audited,
    faults,
    writeAuthFile: (text) => {
      authFile = text;
    },
    send: async (method, path, sent = {}) => {
      const own = agentFor(sent.identity);
      const answer = await send(own, port, method, path, sent);
      const type = answer.headers['content-type'] ?? '';
      const fault = undocumented(method, path, { ...answer, type });
      if (fault !== undefined && options.front?.alwaysUnauthorized !== true) throw new Error(fault);
      return answer;
    },
  };
};

const send = (
  agent: Agent,
  port: number,
  method: string,
  path: string,
  sent: Sent,
): Promise<Answer> => {
  const { user, password = testPassword, body } = sent;
  const headers = {
    ...(user === undefined ? {} : { Authorization: basic(user, password) }),
    ...(body === undefined || sent.headers?.['Transfer-Encoding'] === 'chunked'
      ? {}
      : { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...sent.headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      { agent, host: '127.0.0.1', servername: 'localhost', port, method, path, headers },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const { statusCode: status = 0, headers: received, rawHeaders } = incoming;
          const text = Buffer.concat(chunks).toString();
          resolve({ status, headers: received, rawHeaders, text });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
};

/** The JSON of an answer. */
export const jsonOf = (answer: Answer): unknown => JSON.parse(answer.text);

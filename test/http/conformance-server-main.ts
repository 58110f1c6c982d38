// A fresh server of one node for the replay of recorded answers: prints where it is as one line of
// JSON, serves until its standard input ends.
//
//   node test/http/conformance-server-main.ts CONFIGURATIONS.JSON CONFIGURATION
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuth } from '#auth/open-auth.ts';
import { hashPassword } from '#auth/password.ts';
import { createFront } from '#http/front.ts';
import { queueStandard } from '#http/queue/write-queue.ts';
import { resultBytesMax, rowsMax } from '#limits.ts';
import { LocalBackend } from './local-backend.ts';
import { readConsoleFile, testCertificate } from './test-front.ts';

interface RecordedUser {
  readonly username: string;
  readonly password: string;
  readonly perms: readonly string[];
}

interface Configuration {
  readonly flags?: readonly string[];
  readonly authFile?: readonly RecordedUser[];
  readonly leaderless?: boolean;
}

const [file = '', name = ''] = process.argv.slice(2);
const configurations = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Configuration>;
const configuration = configurations[name];
if (configuration === undefined) throw new Error(`no configuration ${name} in ${file}`);

const own: RecordedUser = { username: 'admin', password: 'recorded answers', perms: ['all'] };
const users = (configuration.authFile ?? [own]).map((user) => ({
  ...user,
  password: user.username === '*' ? '' : hashPassword(user.password, 10),
}));

const folder = mkdtempSync(join(tmpdir(), 'stockade-conformance-'));
const auth = openAuth({
  readText: () => JSON.stringify(users),
  plaintextPasswords: false,
  anonymousPermissions: ['ready', 'query', 'status', 'all'],
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  processKey: randomBytes(32).toString('hex'),
});
const backend = new LocalBackend(folder, {
  foreignKeys: configuration.flags?.includes('-fk') === true,
});
const { cert, key, ca } = testCertificate();

// The port is known only after listening, and the front wants to know what it is called before.
const started = await startOn(await freePort());

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = await startOn(0);
  await probe.front.close(0);
  return probe.port;
}

async function startOn(wanted: number) {
  const front = await createFront({
    tls: { cert, key, minVersion: 'TLSv1.3' },
    auth,
    backend,
    version: '10.0.0',
    readConsoleFile,
    advertisedAddress: `127.0.0.1:${wanted}`,
    peerAddress: '127.0.0.1:4002',
    hosts: undefined,
    requestIdPrefix: 'conformance',
    nowMs: () => performance.now(),
    reads: { rowsMax, bytesMax: resultBytesMax, deadlineMs: 30_000 },
    queue: queueStandard,
    firstSequence: 1_700_000_000_000_000_001n,
    onQueueFailure: () => {},
    audit: { refuse: true, record: (_event, done) => setImmediate(done, true) },
    onDenied: () => {},
    onFault: (requestId, error) => {
      process.stderr.write(
        `${requestId}: ${error instanceof Error ? error.stack : String(error)}\n`,
      );
    },
  });
  const port = await front.listen({ kind: 'address', host: '127.0.0.1', port: wanted });
  return { front, port };
}

const apiUrl = `https://127.0.0.1:${started.port}`;
const peerAddress = '127.0.0.1:4002';
backend.assumed =
  configuration.leaderless === true
    ? { name: '1', role: 'follower', leader: undefined, ready: false }
    : { name: '1', leader: { name: '1', apiUrl, peerAddress } };
backend.statusPart = {
  store: {
    node_id: '1',
    leader: { node_id: '1', addr: peerAddress },
    nodes: [{ id: '1', addr: peerAddress, suffrage: 'voter' }],
    raft: {
      state: configuration.leaderless === true ? 'Follower' : 'Leader',
      num_peers: 0,
      voter: true,
    },
    ready: true,
  },
  node: {},
  build: { version: '10.0.0' },
};
backend.cluster = [
  {
    name: '1',
    apiUrl,
    peerAddress,
    version: '10.0.0',
    voter: true,
    reachable: true,
    leader: configuration.leaderless !== true,
    seconds: 0.0001,
    error: '',
  },
];

const user =
  configuration.authFile === undefined ? { name: own.username, password: own.password } : undefined;
process.stdout.write(`${JSON.stringify({ bases: [apiUrl], ca, user })}\n`);

const end = async (): Promise<void> => {
  await started.front.close(0);
  await auth.close();
  backend.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
};
process.stdin.on('end', () => void end());
process.stdin.resume();
process.on('SIGTERM', () => void end());

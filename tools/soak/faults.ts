// What may befall a cluster, one thing at a time: each leaves it whole again, or throws with what
// was wrong. Whether it serves afterwards is looked at by whoever calls.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Nodes, newFolder, pause } from './nodes.ts';
import type { Below } from './seeded-random.ts';

/** Writing as many zeros would hold the clients up, who live in this process. */
const fallocateFile = '/usr/bin/fallocate';

const mib = 1024 * 1024;
const three = [0, 1, 2] as const;

/** What a fault works with. */
export interface Stage {
  readonly nodes: Nodes;
  readonly below: Below;
  /** The small file system that the third node is on; undefined when none could be mounted. */
  readonly disk: string | undefined;
  /** Below it new folders are made. */
  readonly folder: string;
  readonly straceFile: string | undefined;
}

/** One kind of fault; `weight` says how often it is drawn. */
export interface Fault {
  readonly name: string;
  readonly weight: number;
  readonly run: (stage: Stage) => Promise<string>;
}

const anyNode = ({ below }: Stage): number => below(3);

const seconds = ({ below }: Stage, from: number, to: number): number =>
  (from + below(to - from + 1)) * 1000;

const named = (at: number): string => `n${at + 1}`;

const killNode = async (stage: Stage): Promise<string> => {
  const at = anyNode(stage);
  await stage.nodes.end(at, 'SIGKILL');
  await pause(seconds(stage, 0, 6));
  stage.nodes.start(at);
  return named(at);
};

const killAll = async ({ nodes }: Stage): Promise<string> => {
  await Promise.all(three.map((at) => nodes.end(at, 'SIGKILL')));
  for (const at of three) nodes.start(at);
  return 'all three';
};

const killPart = async (stage: Stage): Promise<string> => {
  const at = anyNode(stage);
  const { processes } = await stage.nodes.status(at);
  const [part, pid] =
    stage.below(2) === 0
      ? ['writer', processes.writer.pid]
      : ['front', processes.fronts.pids[0] ?? 0];
  if (pid !== 0) process.kill(pid, 'SIGKILL');
  return `${part} of ${named(at)}`;
};

const pauseProcess = async (pid: number, ms: number): Promise<void> => {
  if (pid === 0) return;
  process.kill(pid, 'SIGSTOP');
  await pause(ms);
  process.kill(pid, 'SIGCONT');
};

const pauseNode = async (stage: Stage): Promise<string> => {
  const at = anyNode(stage);
  const ms = seconds(stage, 1, 12);
  await pauseProcess(stage.nodes.pidOf(at), ms);
  return `${named(at)} for ${ms / 1000} s`;
};

const pauseWriter = async (stage: Stage): Promise<string> => {
  const at = anyNode(stage);
  const ms = seconds(stage, 1, 8);
  const { processes } = await stage.nodes.status(at);
  await pauseProcess(processes.writer.pid, ms);
  return `${named(at)} for ${ms / 1000} s`;
};

const restart = async (stage: Stage): Promise<string> => {
  const at = anyNode(stage);
  const code = await stage.nodes.end(at, 'SIGTERM');
  if (code !== 0) throw new Error(`${named(at)} ended with ${code} when it was asked to stop`);
  stage.nodes.start(at);
  return named(at);
};

/** Leaves a random rest, from nothing at all to what is refused to writes only. */
const fillDisk = async (stage: Stage): Promise<string> => {
  const { disk } = stage;
  if (disk === undefined) return 'no small disk could be mounted';
  const ballast = join(disk, 'ballast');
  const leave = [0, 5 * mib, 30 * mib][stage.below(3)] ?? 0;
  const { bavail, bsize } = statfsSync(disk);
  // Others write to it meanwhile: a disk that is full before the ballast is in is full, too.
  const bytes = Math.max(1, bavail * bsize - leave);
  spawnSync(fallocateFile, ['-l', String(bytes), ballast]);
  const ms = seconds(stage, 5, 15);
  await pause(ms);
  rmSync(ballast, { force: true });
  return `n3 has ${leave / mib} MiB left for ${ms / 1000} s`;
};

/** Every sync of a node takes longer, by strace. */
const slowDisk = async (stage: Stage): Promise<string> => {
  const { straceFile } = stage;
  if (straceFile === undefined) return 'no strace here';
  const at = anyNode(stage);
  const delayMs = 50 + stage.below(400);
  const syncs = 'fsync,fdatasync';
  const inject = `inject=${syncs}:delay_exit=${delayMs * 1000}`;
  const words = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${syncs}`, '-e', inject];
  const child = spawn(straceFile, [...words, '-p', String(stage.nodes.pidOf(at))], {
    stdio: 'ignore',
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const ms = seconds(stage, 5, 15);
  await pause(ms);
  child.kill('SIGINT');
  await gone;
  return `each sync of ${named(at)} takes ${delayMs} ms more for ${ms / 1000} s`;
};

const transfer = async (stage: Stage): Promise<string> => {
  const from = stage.nodes.folderOf(anyNode(stage));
  const to = named(anyNode(stage));
  await stage.nodes.stockade('transfer', to, '--data', from);
  return `to ${to}`;
};

const renew = async ({ nodes }: Stage): Promise<string> => {
  for (const at of three) {
    await nodes.certs('renew', join(nodes.folderOf(at), 'certs'));
    process.kill(nodes.pidOf(at), 'SIGHUP');
  }
  return 'all certificates of all nodes';
};

/** The peer CA is replaced in its three stages, one node after the other in each. */
const rotate = async ({ nodes }: Stage): Promise<string> => {
  const certsOf = (at: number): string => join(nodes.folderOf(at), 'certs');
  const folders = three.flatMap((at) => ['--folder', certsOf(at)]);
  const hangUp = (at: number): void => void process.kill(nodes.pidOf(at), 'SIGHUP');
  const trust = async (): Promise<void> => {
    for (const at of three) {
      const file = join(nodes.folderOf(0), 'authority', 'peer-ca.crt');
      copyFileSync(file, join(certsOf(at), 'peer-ca.crt'));
      hangUp(at);
    }
    await pause(2000);
  };
  await nodes.certs('rotate', '--kind', 'peer', ...folders);
  await trust();
  await nodes.certs('rotate', '--kind', 'peer', ...folders);
  for (const at of three) {
    await nodes.certs('renew', join(certsOf(at), 'peer.crt'));
    hangUp(at);
  }
  await pause(2000);
  await nodes.certs('rotate', '--kind', 'peer', ...folders);
  await trust();
  return 'the peer CA';
};

/** A backup under load opens, is sound, and holds whole transactions only. */
const backup = async (stage: Stage): Promise<string> => {
  const at = anyNode(stage);
  const { status, body } = await stage.nodes.ask(at, '/db/backup', { timeoutMs: 60_000 });
  if (status !== 200) throw new Error(`backup: ${status} ${body.toString().slice(0, 200)}`);
  const file = join(stage.folder, 'backup.sqlite');
  writeFileSync(file, body, { mode: 0o600 });
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const sound = database.prepare('PRAGMA integrity_check').all();
    if (JSON.stringify(sound) !== '[{"integrity_check":"ok"}]') throw new Error('backup: damaged');
    const torn = database
      .prepare(
        'SELECT count(*) AS n FROM counters AS c WHERE c.n <> (SELECT count(*) FROM rows AS r WHERE r.client = c.client)',
      )
      .get() as { readonly n: number };
    if (torn.n !== 0) throw new Error(`backup: ${torn.n} clients have half a transaction in it`);
  } finally {
    database.close();
    rmSync(file);
  }
  return `of ${named(at)}, ${(body.length / mib).toFixed(1)} MiB`;
};

const snapshot = async (stage: Stage): Promise<string> => {
  const at = anyNode(stage);
  const { status, body } = await stage.nodes.ask(at, '/snapshot', { method: 'POST' });
  if (status !== 200) throw new Error(`snapshot: ${status} ${body.toString().slice(0, 200)}`);
  return named(at);
};

/** The second or third node loses its disk and comes back under its old name and address. */
const replace = async (stage: Stage): Promise<string> => {
  const { nodes } = stage;
  const at = 1 + stage.below(2);
  const old = nodes.folderOf(at);
  await nodes.end(at, 'SIGKILL');
  await nodes.stockade('remove', named(at), '--data', nodes.folderOf(0));
  const parent = at === 2 && stage.disk !== undefined ? stage.disk : stage.folder;
  rmSync(old, { recursive: true, force: true });
  await nodes.admit(at, named(at), newFolder(parent, named(at)));
  return named(at);
};

/** A read replica comes, votes for a while, and goes. */
const grow = async (stage: Stage): Promise<string> => {
  const { nodes } = stage;
  const folder = newFolder(stage.folder, 'n4');
  await nodes.admit(3, 'n4', folder, ['--read-replica']);
  await nodes.stockade('promote', 'n4', '--data', nodes.folderOf(0));
  await pause(seconds(stage, 2, 8));
  await nodes.stockade('remove', 'n4', '--data', nodes.folderOf(0));
  // A rotation of the CA would wait for it for ever.
  await nodes.certs('revoke', 'node:n4');
  await nodes.end(3, 'SIGKILL');
  nodes.forget(3);
  rmSync(folder, { recursive: true, force: true });
  return 'n4 comes, votes and goes';
};

/** All of them. */
export const faults: readonly Fault[] = [
  { name: 'kill a node', weight: 4, run: killNode },
  { name: 'kill all nodes', weight: 1, run: killAll },
  { name: 'kill a writer or front', weight: 3, run: killPart },
  { name: 'pause a node', weight: 4, run: pauseNode },
  { name: 'pause a writer', weight: 2, run: pauseWriter },
  { name: 'restart a node', weight: 3, run: restart },
  { name: 'full disk', weight: 3, run: fillDisk },
  { name: 'slow disk', weight: 3, run: slowDisk },
  { name: 'transfer', weight: 2, run: transfer },
  { name: 'renew certificates', weight: 2, run: renew },
  { name: 'replace the peer CA', weight: 1, run: rotate },
  { name: 'backup', weight: 3, run: backup },
  { name: 'trim the log', weight: 2, run: snapshot },
  { name: 'replace a node', weight: 2, run: replace },
  { name: 'grow and shrink', weight: 2, run: grow },
];

/** Draws one by weight, of those whose name has `part` in it. @throws Error when none has */
export const drawFault = (below: Below, part: string): Fault => {
  const bag = faults
    .filter(({ name }) => name.includes(part))
    .flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
  const drawn = bag[below(bag.length)];
  if (drawn === undefined) throw new Error(`no fault has "${part}" in its name`);
  return drawn;
};

// Reads the processes of a server from Linux's /proc: who listens on a port, who descends from
// whom, and how much CPU time a whole tree has used. On other systems there is nothing to read.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Ticks a second of the kernel's CPU accounting, the same on every architecture we run on. */
const ticksPerSecond = 100;
const microsecondsPerTick = 1_000_000 / ticksPerSecond;

const readOr = <Value>(read: () => Value, otherwise: Value): Value => {
  // A process may end between its listing and the reading.
  try {
    return read();
  } catch {
    return otherwise;
  }
};

const allPids = (): readonly number[] =>
  readOr(() => readdirSync('/proc'), [])
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Fields of /proc/PID/stat behind the name, which may hold anything: field 3 is the first. */
const statOf = (pid: number): readonly string[] => {
  const stat = readOr(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), '');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
};

const parentOf = (pid: number): number => Number(statOf(pid)[1] ?? 0);

/** Ticks of a process, its threads and its children that are gone and were waited for. */
const ticksOf = (pid: number): number =>
  statOf(pid)
    .slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0);

/** The processes with these ids and all that descend from them. */
export const treeOf = (roots: readonly number[]): readonly number[] => {
  const tree = new Set(roots);
  const rest = new Map(allPids().map((pid) => [pid, parentOf(pid)]));
  for (let grown = true; grown; ) {
    grown = false;
    for (const [pid, parent] of rest) {
      if (tree.has(parent) && !tree.has(pid)) {
        tree.add(pid);
        grown = true;
      }
    }
  }
  return [...tree];
};

/** CPU time of the trees of these processes since they started; undefined without any. */
export const cpuMicrosecondsOf = (roots: readonly number[]): number | undefined =>
  roots.length === 0
    ? undefined
    : treeOf(roots).reduce((sum, pid) => sum + ticksOf(pid) * microsecondsPerTick, 0);

/** Inodes of the sockets that listen on a port, over IPv4 or IPv6. */
const listenersOn = (port: number): ReadonlySet<string> => {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = '0A';
  const inodes = ['tcp', 'tcp6']
    .flatMap((family) =>
      readOr(() => readFileSync(`/proc/net/${family}`, 'latin1'), '').split('\n'),
    )
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === listening)
    .map((fields) => fields[9] ?? '');
  return new Set(inodes);
};

const holdsSocket = (pid: number, inodes: ReadonlySet<string>): boolean =>
  readOr(() => readdirSync(`/proc/${pid}/fd`), []).some((name) => {
    const link = readOr(() => readlinkSync(`/proc/${pid}/fd/${name}`), '');
    return inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? '');
  });

/** The process that listens on a port; of several that share its socket the one at the top. */
export const listenerPids = (port: number): readonly number[] => {
  const inodes = listenersOn(port);
  if (inodes.size === 0) return [];
  const owners = new Set(allPids().filter((pid) => holdsSocket(pid, inodes)));
  return [...owners].filter((pid) => !owners.has(parentOf(pid)));
};

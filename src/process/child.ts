// Children of a node: started with a pipe pair for frames, a bare environment and nothing else. A
// child that must end now is killed with SIGKILL: nothing a child does needs its consent to stop.
import { type ChildProcess, spawn } from 'node:child_process';
import { type Server, Socket } from 'node:net';
import { invariant } from '#invariant.ts';
import { codeCacheEnvironment } from '#io/code-cache.ts';
import type { ByteStream } from './link.ts';

/**
 * Options of every Node runtime that we start. node:sqlite announces itself as experimental;
 * SIGUSR1 would open a debugger on a port of this machine, to whoever connects first.
 */
export const runtimeOptions = [
  '--disable-warning=ExperimentalWarning',
  '--disable-sigusr1',
] as const;

/** How a child is started. */
export interface ChildOptions {
  /** The file with the child's main program. */
  readonly file: string;
  /** Further options of the Node runtime, such as the size of its young generation. */
  readonly execArguments: readonly string[];
  /** Shown in process listings; never a secret. */
  readonly title: string;
  /** A listening handle will be sent to it, so it gets a channel for that. */
  readonly takesHandle: boolean;
  /** Limits of the shell that starts it, such as `ulimit -c 0`; empty for none. */
  readonly shellLimits: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A running child and the pipe to it. */
export interface Child {
  readonly pid: number;
  readonly stream: ByteStream;
  readonly process: ChildProcess;
  /** Resolves once, with how it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** SIGKILL. */
  kill(): void;
}

/** The descriptor of the frame pipe in every child. */
const pipeDescriptor = 3;

const isSocket = (value: unknown): value is Socket => value instanceof Socket;

/** Starts a child; it exits by itself when the pipe closes. */
export const spawnChild = (options: ChildOptions): Child => {
  const command = [
    process.execPath,
    ...runtimeOptions,
    ...options.execArguments,
    options.file,
    options.title,
  ];
  const [file, ...parameters] =
    options.shellLimits === ''
      ? command
      : ['/bin/sh', '-c', `${options.shellLimits}; exec "$@"`, 'sh', ...command];
  invariant(file !== undefined, 'a child has a program');
  const child = spawn(file, parameters, {
    stdio: options.takesHandle
      ? ['ignore', 'inherit', 'inherit', 'pipe', 'ipc']
      : ['ignore', 'inherit', 'inherit', 'pipe'],
    env: { TZ: 'UTC', LC_ALL: 'C', ...codeCacheEnvironment, ...options.environment },
    // A terminal's Ctrl-C goes to the whole group; only the node decides when children stop.
    detached: true,
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 1, signal: null }));
  });
  const stream = child.stdio[pipeDescriptor];
  invariant(isSocket(stream), 'the fourth descriptor of a child is a socket');
  return {
    pid: child.pid ?? 0,
    stream,
    process: child,
    ended,
    kill: () => {
      child.kill('SIGKILL');
    },
  };
};

/** In a child: the pipe to the node. */
export const pipeToParent = (): ByteStream =>
  new Socket({ fd: pipeDescriptor, readable: true, writable: true });

/** In a child: the listening handle that the node sends as its first message. */
export const handleFromParent = (): Promise<Server> =>
  new Promise((resolve) => {
    process.once('message', (_name: unknown, handle: Server) => resolve(handle));
  });

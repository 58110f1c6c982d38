// Starts the echo server as a process of its own and tells where it listens.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { ServerTarget } from '../server-target.ts';

/** A running echo server. */
export interface Echo {
  readonly target: ServerTarget;
  stop(): void;
}

/** What the server says when it listens. */
interface Listening {
  readonly port: number;
  readonly ca: string;
}

/** Starts it and waits until it listens. @throws Error when it does not come up */
export const startEcho = async (): Promise<Echo> => {
  const child = fork(join(import.meta.dirname, 'echo-server.mjs'));
  const { port, ca } = await new Promise<Listening>((listening, failed) => {
    child.once('message', (message) => listening(message as Listening));
    child.once('error', failed);
    child.once('exit', () => failed(new Error('the echo server ended before it listened')));
  });
  const target = {
    url: new URL(`https://127.0.0.1:${port}`),
    ca,
    authorization: undefined,
    pids: child.pid === undefined ? [] : [child.pid],
  };
  return { target, stop: () => child.kill() };
};

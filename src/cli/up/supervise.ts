// Node processes of a command that stays beside them: started, watched, started again when they
// die. A node ends by itself when this process is gone, because its standard input ends then.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { codeCacheEnvironment } from '#io/code-cache.ts';
import { runtimeOptions } from '#process/child.ts';

const program = fileURLToPath(new URL('../main.ts', import.meta.url));

const pauseMsMin = 200;
const pauseMsMax = 5000;
/** A node that ran this long starts again without delay when it dies. */
const healthyMs = 10_000;

/** What is known of a node to watch. */
export interface WatchedNode {
  readonly name: string;
  readonly config: string;
  /** Where its messages go. */
  readonly log: string;
}

/** What the supervisor tells. */
export interface SupervisorEvents {
  readonly onStarted: (node: WatchedNode, pid: number) => void;
  readonly onDied: (node: WatchedNode, how: string, restartsInMs: number | undefined) => void;
}

/** One watched node. */
export interface SupervisedNode<Watched extends WatchedNode> {
  readonly layout: Watched;
  readonly pid: number;
  /** How it ended, when it did and is not started again. */
  readonly ended: string | undefined;
  /** How often it ended before it had run for ten seconds. */
  readonly diedEarly: number;
  /** Asks it to stop; resolves when it is gone, at last by force. */
  stop(graceMs: number): Promise<void>;
}

/** Starts a node and keeps it running. `openLog` gives the descriptor its messages go to. */
export const superviseNode = <Watched extends WatchedNode>(
  layout: Watched,
  restart: boolean,
  openLog: (path: string) => number,
  events: SupervisorEvents,
): SupervisedNode<Watched> => {
  let child: ChildProcess | undefined;
  let stopping = false;
  let ended: string | undefined;
  let diedEarly = 0;
  let pauseMs = pauseMsMin;
  let timer: NodeJS.Timeout | undefined;
  const log = openLog(layout.log);

  const start = (): void => {
    const since = performance.now();
    const started = spawn(
      process.execPath,
      [...runtimeOptions, program, 'run', '--config', layout.config, '--supervised'],
      {
        stdio: ['pipe', log, log],
        env: { PATH: '/usr/bin:/bin', ...codeCacheEnvironment },
        // The terminal's Ctrl-C is for the supervisor, which stops nodes in order.
        detached: true,
      },
    );
    child = started;
    started.once('error', (error) => {
      ended = error.message;
      events.onDied(layout, error.message, undefined);
    });
    started.once('exit', (code, signal) => {
      child = undefined;
      if (stopping) return;
      const how = signal === null ? `exit code ${code ?? 0}` : signal;
      if (!restart) {
        ended = how;
        events.onDied(layout, how, undefined);
        return;
      }
      if (performance.now() - since > healthyMs) pauseMs = 0;
      else diedEarly += 1;
      events.onDied(layout, how, pauseMs);
      timer = setTimeout(start, pauseMs);
      pauseMs = Math.min(Math.max(pauseMsMin, pauseMs * 2), pauseMsMax);
    });
    if (started.pid !== undefined) events.onStarted(layout, started.pid);
  };

  start();
  return {
    layout,
    get pid() {
      return child?.pid ?? 0;
    },
    get diedEarly() {
      return diedEarly;
    },
    get ended() {
      return ended;
    },
    stop: async (graceMs) => {
      stopping = true;
      clearTimeout(timer);
      const running = child;
      if (running === undefined) return;
      const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()));
      running.kill('SIGTERM');
      const force = setTimeout(() => running.kill('SIGKILL'), graceMs);
      await gone;
      clearTimeout(force);
    },
  };
};

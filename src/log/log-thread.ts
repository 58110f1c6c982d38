// What the log thread runs: a LogService on the real disk, with the parent's port as its other
// side. The first message says which log; those behind it are the log's own.
import { parentPort } from 'node:worker_threads';
import { invariant } from '#invariant.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { systemTimers } from '#io/timers.ts';
import type { DurableLogOptions } from './durable-log.ts';
import { LogService } from './log-service.ts';
import type { ToLogThread } from './thread-message.ts';

invariant(parentPort !== null, 'the log thread is started as a worker');
const port = parentPort;
port.once('message', (options: DurableLogOptions) => {
  const service = new LogService(
    options,
    { files: systemFiles, random: cryptoRandom, clock: systemClock, timers: systemTimers },
    (message, transfer) => port.postMessage(message, transfer),
  );
  port.on('message', (message: ToLogThread) => service.receive(message));
});

// Stands for a node: starts a writer process and sends it entries of the counted log in several
// frames, then says so with the writer's process id. It is killed by the test.
import { createLogger } from '#node/logger.ts';
import { WriterProcess } from '#node/writer-process.ts';
import { countedEntries } from './counted-log.ts';

const folder = process.argv[2] ?? '';
const frames = 8;
const entriesPerFrame = 50;

const writer = await WriterProcess.start(
  { folder, cluster: 'c', foreignKeys: false, changeBytes: 0, generation: undefined },
  createLogger('fatal', 'json', { node: 'n', part: 'writer' }),
  { onLost: () => undefined },
);
if (process.argv[3] === 'stop-writer') process.kill(writer.pid, 'SIGSTOP');
const first = writer.started.appliedIndex + 1;
for (let at = 0; at < frames; at++) {
  const from = first + at * entriesPerFrame;
  writer.apply(countedEntries(from, from + entriesPerFrame - 1), () => undefined);
}
// Behind the turn in which the frames leave for the pipe.
setImmediate(() => {
  setImmediate(() => process.stdout.write(`${JSON.stringify({ pid: writer.pid, first })}\n`));
});

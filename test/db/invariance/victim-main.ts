// A writer in a process of its own, for a test that kills it: applies the logs it is sent, batch by
// batch, and says when one is done.
import { openWriter } from '#db/open-writer.ts';
import { capturing, effects } from '../support.ts';
import { applyStops, type Stop } from './course.ts';
import type { VictimTask } from './victims.ts';

const applyTask = ({ folder, foreignKeys, captured, entries, stops }: VictimTask): void => {
  const changes = captured ? { changes: capturing } : {};
  let left: readonly Stop[] = stops;
  while (left.length > 0) {
    const writer = openWriter({ dataFolder: folder, foreignKeys, ...changes, ...effects });
    const stopped = applyStops(writer, entries, left, () => undefined);
    left = stopped === undefined ? [] : left.slice(left.indexOf(stopped) + 1);
    writer.close();
  }
};

process.on('message', (task: VictimTask) => {
  try {
    applyTask(task);
    process.send?.('done');
  } catch (error) {
    process.send?.(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
});
process.on('disconnect', () => process.exit(0));

// The thread that writes the audit log: everything that waits goes into one write and one sync.
// What cannot be written is kept, tried again every second, and at last counted as lost.
import { parentPort, workerData } from 'node:worker_threads';
import type { AuditEvent } from '#audit/audit-event.ts';
import { AuditWriter, auditFaultOf } from '#audit/audit-writer.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import type { AuditBatch, AuditThreadStart, AuditWritten } from './audit-log.ts';

/** Events that wait for a disk; beyond it they are counted. */
const keptMax = 10_000;
const retryMs = 1000;

const start = workerData as AuditThreadStart;
const writer = new AuditWriter({ ...start, files: systemFiles, clock: systemClock });
/** Not written yet, oldest first, with the batch that the node knows them by. */
let waiting: AuditEvent[] = [];
let newest = 0;
let lost = 0;
let lostInAll = 0;
let timer: NodeJS.Timeout | undefined;
let planned = false;

const tell = (written: Omit<AuditWritten, 'upTo' | 'lost'>): void => {
  parentPort?.postMessage({ upTo: newest, lost: lostInAll, ...written } satisfies AuditWritten);
};

const write = (): void => {
  planned = false;
  clearTimeout(timer);
  timer = undefined;
  if (waiting.length === 0) return;
  try {
    const note: AuditEvent = { event: 'lost', detail: `${lost} events could not be kept` };
    writer.append(lost > 0 ? [...waiting, note] : waiting);
    waiting = [];
    lost = 0;
    tell({ fault: '', head: writer.head });
  } catch (error) {
    // The file stays open: the next try writes the same and more over what is half there.
    const tooMany = Math.max(0, waiting.length - keptMax);
    lost += tooMany;
    lostInAll += tooMany;
    waiting = waiting.slice(0, keptMax);
    tell({ fault: auditFaultOf(error), head: writer.head });
    timer = setTimeout(write, retryMs);
  }
};

parentPort?.on('message', ({ batch, events }: AuditBatch) => {
  newest = batch;
  waiting.push(...events);
  if (planned) return;
  planned = true;
  setImmediate(write);
});

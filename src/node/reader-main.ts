// The main program of a reader process: judges statements and runs reads for one front. It holds no
// state worth keeping: whoever waits too long for it kills it and starts another.
import { decodeCommand } from '#command/command-codec.ts';
import { ChangeReader } from '#db/changes/read-changes.ts';
import { splitDump } from '#db/load/split-dump.ts';
import { openReader } from '#db/open-reader.ts';
import type { Reader } from '#db/reader.ts';
import { keepCodeCache } from '#io/code-cache.ts';
import { frameBytesMax } from '#limits.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { systemEffects } from './node-effects.ts';
import { QuickTexts } from './quick-texts.ts';
import {
  hashContent,
  judgeTexts,
  readChanges,
  runRead,
  snapshotOpen,
  splitText,
  startReader,
  stopReader,
} from './seams/reader-seam.ts';

let reader: Reader | undefined;
let changes: ChangeReader | undefined;
let folder = '';
let doubleQuotedStrings = false;
const quick = new QuickTexts();

const seam = new Seam(pipeToParent(), {
  frameBytesMax,
  onBatchEnd: () => {
    // Answers first: nobody waits for the collector.
    seam.flush();
    reader?.tidy();
  },
  onClose: () => process.exit(0),
});

seam.serve(startReader, (start, reply) => {
  keepCodeCache();
  try {
    ({ doubleQuotedStrings, folder } = start);
    const { gc: collect } = globalThis;
    reader = openReader({
      dataFolder: start.folder,
      ...systemEffects,
      ...(collect === undefined ? {} : { collect: () => collect() }),
    });
    reply({ error: '' });
  } catch (error) {
    reply({ error: error instanceof Error ? error.message : String(error) });
  }
});

seam.serve(splitText, (text, reply) => {
  seam.flush();
  reply(splitDump(text));
});

seam.serve(judgeTexts, (request, reply) => {
  // New texts all of them: how long each takes nobody knows.
  seam.flush();
  if (reader !== undefined) reply(reader.judge({ ...request, doubleQuotedStrings }));
});

seam.serve(runRead, (request, reply) => {
  if (reader === undefined) return;
  const { texts, statements, transaction } = decodeCommand(request.command);
  const { render, rowsMax, bytesMax } = request;
  // The answers to those before it in the same batch must not wait for one that may be long.
  if (!quick.all(texts)) seam.flush();
  const startedMs = performance.now();
  const bounds = { render, rowsMax, bytesMax, doubleQuotedStrings };
  const rows = reader.read({ texts, statements, transaction, ...bounds });
  quick.ran(texts, performance.now() - startedMs);
  reply({
    intact: reader.intact(),
    appliedIndex: rows.appliedIndex,
    schemaIndex: rows.schemaIndex,
    microseconds: rows.microseconds,
    error: rows.error,
    json: rows.json,
  });
});

seam.serve(readChanges, (wanted, reply) => {
  changes ??= ChangeReader.open(folder, systemEffects.files);
  reply(changes?.read(wanted) ?? null);
});

seam.serve(hashContent, (_request, reply) => {
  try {
    const content = reader?.contentHash((appliedIndex) => {
      // The node lets the writer go on: that must not wait for the hash.
      seam.notify(snapshotOpen, { appliedIndex });
      seam.flush();
    });
    if (content !== undefined) reply({ kind: 'content', content });
  } catch (error) {
    reply({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  }
});

seam.serve(stopReader, (_request, reply) => {
  reader?.close();
  changes?.close();
  reply(undefined);
  seam.flush();
  setImmediate(() => process.exit(0));
});

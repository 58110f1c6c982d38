// Applies batches of ten inserts until the writer gives up, then says why and how far it came.

import { openWriter } from '#db/open-writer.ts';
import { CodedError } from '#errors.ts';
import { commandEntry, effects } from './support.ts';

const writer = openWriter({ dataFolder: process.argv[2] ?? '', ...effects });
const { schemaIndex } = writer.state;
try {
  for (;;) {
    const { appliedIndex } = writer.state;
    const batch = Array.from({ length: 10 }, (_, at) =>
      commandEntry(appliedIndex + 1 + at, ['INSERT INTO t VALUES(randomblob(3000))'], {
        schemaIndex,
      }),
    );
    writer.apply(batch);
  }
} catch (error) {
  if (!(error instanceof CodedError)) throw error;
  const { appliedIndex } = writer.state;
  process.stdout.write(JSON.stringify({ code: error.code, applied: appliedIndex }));
}

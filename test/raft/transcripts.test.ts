// Scenarios with their whole outcome written down. After a change that is meant, run with
// UPDATE_TRANSCRIPTS=1 and review the difference.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createTranscript } from './transcript.ts';

const folder = new URL('transcripts/', import.meta.url);
const { UPDATE_TRANSCRIPTS: update } = process.env;

/** Runs the blocks of a file and gives the file as it should be; comments stay where they are. */
const rerun = (text: string): string => {
  const transcript = createTranscript();
  const blocks = text.trimEnd().split('\n\n');
  return `${blocks
    .map((block) => {
      const lines = block.split('\n');
      const end = lines.indexOf('----');
      const head = end < 0 ? lines : lines.slice(0, end);
      const commands = head.filter((line) => !line.startsWith('#'));
      if (commands.length === 0) return block;
      const outcome = commands.flatMap((command) => transcript.run(command));
      return [...head, '----', ...(outcome.length === 0 ? ['nothing'] : outcome)].join('\n');
    })
    .join('\n\n')}\n`;
};

for (const name of readdirSync(folder)) {
  test(`transcript ${name} comes out as it is written`, () => {
    const file = new URL(name, folder);
    const written = readFileSync(file, 'utf8');
    const outcome = rerun(written);
    if (update === '1') writeFileSync(file, outcome);
    else assert.equal(outcome, written);
  });
}

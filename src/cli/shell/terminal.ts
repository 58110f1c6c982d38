// The shell at a terminal: prompt, history, completion. Ctrl-C drops what is begun, Ctrl-D leaves.
import { createInterface } from 'node:readline/promises';
import { Completion } from './completion.ts';
import { historyLinesMax, keepHistory, readHistory } from './history.ts';
import type { Session } from './session.ts';

const prompt = 'stockade> ';
const morePrompt = '     ...> ';

/** Runs until the person leaves. */
export const runTerminal = async (
  session: Session,
  historyFile: string,
  nowMs: () => number,
): Promise<void> => {
  const completion = new Completion(session, nowMs);
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    history: [...(await readHistory(historyFile))].reverse(),
    historySize: historyLinesMax,
    removeHistoryDuplicates: true,
    completer: (line: string) => completion.complete(line),
  });
  let history: readonly string[] = [];
  terminal.on('history', (lines: string[]) => {
    history = [...lines].reverse();
  });
  const ask = (): void => {
    terminal.setPrompt(session.pending ? morePrompt : prompt);
    terminal.prompt();
  };
  await new Promise<void>((resolve) => {
    let work: Promise<void> = Promise.resolve();
    terminal.on('line', (line) => {
      // Pasted lines come together; each waits for the one before.
      work = work.then(async () => {
        if (session.over) return;
        await session.line(line);
        if (session.over) terminal.close();
        else ask();
      });
    });
    terminal.on('SIGINT', () => {
      session.abandon();
      process.stdout.write('\n');
      ask();
    });
    terminal.on('close', () => {
      void work.then(resolve);
    });
    ask();
  });
  if (history.length > 0) await keepHistory(historyFile, history);
  if (!session.over) process.stdout.write('\n');
};

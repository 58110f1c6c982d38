// Runs a tool of the project as a person would and collects what it prints. Holds no test itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../source-text.ts';

/** What a tool printed and how it ended. */
export interface ToolRun {
  readonly code: number | null;
  readonly out: string;
  readonly problems: string;
}

/** Runs a file of the project with arguments. */
export const runTool = async (file: string, ...parameters: string[]): Promise<ToolRun> => {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, file), ...parameters],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let out = '';
  let problems = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    problems += chunk.toString('utf8');
  });
  await once(child, 'close');
  return { code: child.exitCode, out, problems };
};

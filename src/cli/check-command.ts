// `stockade check`: everything about this machine's node that can be known before it starts, and
// the security posture of its configuration in one table. Changes nothing.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { type CheckLine, checkNode } from '#node/check/check-node.ts';
import { type PostureRow, postureOf } from '#node/check/posture.ts';
import { type Address, configFrom, processEnvironment } from '#node/config.ts';
import { systemEffects } from '#node/node-effects.ts';
import { readPublicText } from '#node/node-files.ts';
import { openAdminClient } from './cluster/admin-client.ts';
import { standardFolder } from './cluster/node-folder.ts';
import type { Command, CommandInput } from './command.ts';
import { exitCodes } from './exit-code.ts';

const run = async (input: CommandInput): Promise<number> => {
  const path = input.text('config');
  const config = configFrom({
    flags: input.settings,
    environment: processEnvironment(),
    file: { path, text: readPublicText(path, systemFiles) },
  });
  const { lines, users } = await checkNode({
    config,
    effects: systemEffects,
    environment: processEnvironment(),
    isRunning: await isRunning(config.node.data),
    portProblem,
  });
  const posture = postureOf(config, users);
  const isRight = lines.every(({ state }) => state !== 'wrong');
  process.stdout.write(
    input.on('json')
      ? `${JSON.stringify({ ok: isRight, checks: lines, posture })}\n`
      : textOf(path, lines, posture),
  );
  return isRight ? exitCodes.done : exitCodes.configuration;
};

const isRunning = async (data: string): Promise<boolean> => {
  try {
    (await openAdminClient(data)).close();
    return true;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
};

const portProblem = ({ host, port }: Address): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === 'EADDRINUSE'
          ? 'another program listens there'
          : `cannot be listened on (${error.code})`,
      );
    });
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });

const marks = { ok: 'ok', soon: 'SOON', wrong: 'WRONG', strict: 'strict', loosened: 'LOOSENED' };
const markWidth = 9;
const whatWidth = 28;

const row = (mark: string, what: string, detail: string): string =>
  `${mark.padEnd(markWidth)} ${what.padEnd(whatWidth)} ${detail}\n`;

const textOf = (
  path: string,
  lines: readonly CheckLine[],
  posture: readonly PostureRow[],
): string => {
  const checks = lines.map(({ state, what, detail, hint }) => {
    const advice = hint === '' ? '' : row('', '', hint);
    return row(marks[state], what, detail) + advice;
  });
  const table = posture.map(({ state, what, detail }) => row(marks[state], what, detail));
  return (
    `${row('ok', 'settings', `${path} can be read, every name in it is known`)}${checks.join('')}` +
    `\nsecurity posture\n${table.join('')}`
  );
};

/** The command. */
export const checkCommand: Command = {
  name: 'check',
  summary: 'everything that can be known before a node starts, and its security posture',
  usage: 'stockade check [--config node.yaml] [--json] [--SETTING VALUE ...]',
  example: 'stockade check --config /etc/stockade/node.yaml',
  takesSettings: true,
  options: [
    {
      name: 'config',
      kind: 'text',
      value: 'FILE',
      standard: join(standardFolder, 'node.yaml'),
      meaning: 'the configuration file',
    },
    { name: 'json', kind: 'switch', value: '', standard: 'false', meaning: 'print JSON' },
  ],
  run,
};

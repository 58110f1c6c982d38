// `stockade queries` and `stockade kill`: what a node has under way, and the end of one of it, over
// the API like any client.
import { jsonOption } from '#cli/cluster/options.ts';
import type { Command } from '#cli/command.ts';
import { CodedError } from '#errors.ts';
import { placeOptions } from './server-place.ts';
import { withClient } from './with-client.ts';

/** As the server lists them. */
interface Running {
  readonly id: string;
  readonly user: string;
  readonly address: string;
  readonly state: string;
  readonly text: string;
  readonly statements: number;
  readonly ms: number;
}

const isRunning = (value: unknown): value is Running => {
  const one = value as Partial<Running> | null;
  return (
    typeof one?.id === 'string' &&
    typeof one.user === 'string' &&
    typeof one.address === 'string' &&
    typeof one.state === 'string' &&
    typeof one.text === 'string' &&
    typeof one.statements === 'number' &&
    typeof one.ms === 'number'
  );
};

const runningFrom = (text: string): readonly Running[] => {
  const { queries } = JSON.parse(text) as { readonly queries?: unknown };
  if (Array.isArray(queries) && queries.every(isRunning)) return queries;
  throw new CodedError('bad_request', 'this is no list of requests', {
    hint: 'Is there a Stockade of this version at this address?',
  });
};

/** Texts come from other users: what a terminal would obey is not shown to it. */
const shown = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ');

const tableOf = (running: readonly Running[]): string => {
  if (running.length === 0) return 'nothing is under way\n';
  const rows = [
    ['id', 'user', 'from', 'state', 'seconds', 'statements', 'text'],
    ...running.map(({ id, user, address, state, ms, statements, text }) => [
      ...[id, user, address, state, (ms / 1000).toFixed(1), String(statements), text].map(shown),
    ]),
  ];
  const widths =
    rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
};

/** What is under way. */
export const queriesCommand: Command = {
  name: 'queries',
  summary: 'the requests for data that a node has under way, the longest first',
  usage: 'stockade queries [--json] [--server PLACE] [OPTIONS]',
  example: 'stockade queries --server https://n2.example:4001 --ca client-ca.crt --user ada',
  takesSettings: false,
  options: [jsonOption, ...placeOptions],
  run: (input) =>
    withClient(input, async (client) => {
      if (input.words.length > 0) throw new CodedError('usage', 'this command takes no words');
      const text = await client.ask({ path: '/queries' });
      process.stdout.write(input.on('json') ? `${text}\n` : tableOf(runningFrom(text)));
    }),
};

const killExample = 'stockade kill 9f86d081884c-7d';

/** The end of one. */
export const killCommand: Command = {
  name: 'kill',
  summary: 'end a request for data that a node has under way, by its id',
  usage: 'stockade kill ID [--server PLACE] [OPTIONS]',
  example: killExample,
  takesSettings: false,
  options: placeOptions,
  run: (input) => {
    const [id, ...more] = input.words;
    if (id === undefined || id === '' || more.length > 0) {
      throw new CodedError('usage', 'name the one request', {
        hint: `For example: ${killExample}`,
      });
    }
    return withClient(input, async (client) => {
      await client.ask({ method: 'DELETE', path: `/queries/${encodeURIComponent(id)}` });
      process.stdout.write(`${id} is ended: nothing of it is applied\n`);
    });
  },
};

// The command line of the bench.
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { TargetWish } from '../server-target.ts';
import { defaultWorkloads, type Workload, workloadsFrom } from './workloads.ts';

/** What `--help` prints. */
export const help = `usage: node tools/run.mjs tools/bench/main.ts --url PLACE [options]

Measures servers that speak rqlite's API, in turn and in short slices of one run, beside a bare
HTTPS echo of this machine: only ratios within one run mean anything.

  --url PLACE            https://host:port, http://host:port, or a cluster.json (its leader)
  --ca FILE              authority of the server, PEM
  --user NAME            with --password-file FILE
  --pids LIST            root processes of the server (else: who listens on the port)
  --vs PLACE             a second server, with --vs-ca, --vs-user, --vs-password-file, --vs-pids
  --workloads LIST       ${defaultWorkloads.split(',').slice(0, 6).join(',')},...
                         kinds: write, bulk (100 inserts), read-none, read-weak, read-linearizable,
                         read-strong (by key), rows (1,000 rows); @ and the number of clients
  --rounds N             slices of each server (5)
  --slice-ms N           length of a slice (1000)
  --no-echo              without the echo server
  --sync-dir DIR         where fdatasync is measured (${tmpdir()})
  --keep                 leave the tables bench_writes and bench_rows behind
  --json                 figures as JSON

CPU µs is user and system time of all processes of the server, divided by requests; "quiet" is the
quietest quarter of the slices. A ratio is the first server by the other.

example: node tools/run.mjs tools/bench/main.ts --url stockade-data/cluster.json \\
           --workloads write@64,rows@16
exit codes: 0 measured, 1 failed, 2 wrong usage
`;

/** One server to measure. */
export interface Wish extends TargetWish {
  readonly name: string;
  readonly pids: readonly number[];
}

/** The command line, read. */
export interface BenchOptions {
  readonly servers: readonly Wish[];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly sliceMs: number;
  readonly echo: boolean;
  readonly syncFolder: string;
  readonly keep: boolean;
  readonly json: boolean;
}

const roundsMax = 100;
const sliceMsMax = 60_000;

const whole = (name: string, text: string, max: number): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`--${name} is a whole number from 1 to ${max}`);
};

const pidsFrom = (list: string | undefined): readonly number[] =>
  list === undefined ? [] : list.split(',').map((text) => whole('pids', text, 2 ** 22));

const string = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** Reads the arguments; undefined when help was asked for. @throws Error in words */
export const optionsFrom = (parameters: readonly string[]): BenchOptions | undefined => {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      url: string,
      ca: string,
      user: string,
      'password-file': string,
      pids: string,
      vs: string,
      'vs-ca': string,
      'vs-user': string,
      'vs-password-file': string,
      'vs-pids': string,
      workloads: { type: 'string', default: defaultWorkloads },
      rounds: { type: 'string', default: '5' },
      'slice-ms': { type: 'string', default: '1000' },
      'no-echo': flag,
      'sync-dir': { type: 'string', default: tmpdir() },
      keep: flag,
      json: flag,
      help: flag,
    },
  });
  if (values.help) return undefined;
  if (values.url === undefined) throw new Error('--url names the server to measure');
  const servers = [
    {
      name: 'A',
      place: values.url,
      caFile: values.ca,
      user: values.user,
      passwordFile: values['password-file'],
      pids: pidsFrom(values.pids),
    },
  ];
  if (values.vs !== undefined) {
    servers.push({
      name: 'B',
      place: values.vs,
      caFile: values['vs-ca'],
      user: values['vs-user'],
      passwordFile: values['vs-password-file'],
      pids: pidsFrom(values['vs-pids']),
    });
  }
  return {
    servers,
    workloads: workloadsFrom(values.workloads),
    rounds: whole('rounds', values.rounds, roundsMax),
    sliceMs: whole('slice-ms', values['slice-ms'], sliceMsMax),
    echo: !values['no-echo'],
    syncFolder: values['sync-dir'],
    keep: values.keep,
    json: values.json,
  };
};

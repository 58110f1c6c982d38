// Every query parameter that some route knows: its form and what it does, in one sentence. The
// table of parameters in docs/HTTP.md and the API document are held to this list.

/** Forms of a value; a flag is true by being there. */
export type ParameterForm =
  | 'flag'
  | 'text'
  | 'statement'
  | 'duration'
  | 'integer'
  | readonly string[];

/** A parameter. */
export interface ParameterAbout {
  readonly form: ParameterForm;
  readonly effect: string;
}

const parameter = <Form extends ParameterForm>(
  form: Form,
  effect: string,
): { readonly form: Form; readonly effect: string } => ({ form, effect });

/** All of them, by name. */
export const parameterList = {
  q: parameter('statement', 'The statement of a GET.'),
  pretty: parameter('flag', 'Four spaces a level.'),
  timings: parameter('flag', 'Seconds spent, for each result and in all.'),
  associative: parameter('flag', 'Rows as objects.'),
  blob_array: parameter('flag', 'BLOBs as arrays of integers.'),
  qualify_columns: parameter('flag', 'Columns as table.column where the origin is known.'),
  transaction: parameter('flag', 'All or nothing.'),
  level: parameter(
    ['none', 'weak', 'linearizable', 'strong', 'auto'],
    'Consistency of reads; weak unless given.',
  ),
  freshness: parameter('duration', 'With level none: refuse data older than this.'),
  freshness_strict: parameter('flag', 'With freshness: refuse while an entry is not applied yet.'),
  linearizable_timeout: parameter('duration', 'How long to wait for the leader and the database.'),
  timeout: parameter('duration', 'Of the way to other nodes and of waits.'),
  db_timeout: parameter('duration', 'Deadline of the reads.'),
  redirect: parameter('flag', '301 to the leader instead of asking it.'),
  raft_index: parameter('flag', 'Tell the index of the log entry, when there is one.'),
  queue: parameter('flag', 'Queue the write and answer at once.'),
  wait: parameter('flag', 'Answer when it is done.'),
  noleader: parameter('flag', 'Do without a leader.'),
  sync: parameter('flag', 'Wait until this node has caught up.'),
  nonvoters: parameter('flag', 'Read replicas as well.'),
  ver: parameter(['2'], 'A list instead of a map.'),
  key: parameter('text', 'A dotted path: only that part.'),
  fmt: parameter(['binary', 'sql', 'delete'], 'A database file or SQL text.'),
  compress: parameter('flag', 'As a gzip file.'),
  vacuum: parameter('flag', 'Without free pages.'),
  tables: parameter('text', 'Only these, separated by commas.'),
  from: parameter('integer', 'The first index whose changes are wanted.'),
  trailing_logs: parameter('integer', 'So many entries are kept in the log.'),
} as const satisfies Readonly<Record<string, ParameterAbout>>;

/** The name of a parameter. */
export type ParameterName = keyof typeof parameterList;

/** What results are shown like. */
export const resultParameters = [
  'pretty',
  'timings',
  'associative',
  'blob_array',
  'raft_index',
] as const satisfies readonly ParameterName[];

/** How reads are consistent. */
export const readParameters = [
  'qualify_columns',
  'level',
  'freshness',
  'freshness_strict',
  'linearizable_timeout',
  'db_timeout',
] as const satisfies readonly ParameterName[];

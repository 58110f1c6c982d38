// Every SQL function of the engine, classified. Writes run on all replicas, so they may only use
// functions whose result is one of their arguments (or that the writer replaces); a function on no
// list is refused. A test fails when the engine has a function that is not listed here.

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** The result depends on the arguments alone, on every machine. */
const pure = words(`
  -> ->> abs avg bm25 ceil ceiling char coalesce concat concat_ws count cume_dist degrees dense_rank
  first_value floor format fts5_get_locale fts5_insttoken geopoly_area geopoly_bbox geopoly_blob
  geopoly_ccw geopoly_contains_point geopoly_group_bbox geopoly_json geopoly_overlap geopoly_regular
  geopoly_svg geopoly_within geopoly_xform glob group_concat hex highlight if ifnull iif instr json
  json_array json_array_insert json_array_length json_error_position json_extract json_group_array
  json_group_object json_insert json_object json_patch json_pretty json_quote json_remove
  json_replace json_set json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract
  jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove
  jsonb_replace jsonb_set lag last_value lead length like likelihood likely lower ltrim match
  matchinfo max median min mod nth_value ntile nullif octet_length offsets percent_rank percentile
  percentile_cont percentile_disc pi printf quote radians rank replace round row_number rtreedepth
  rtreenode rtrim sign snippet soundex sqrt string_agg substr substring subtype sum total trim trunc
  typeof unhex unicode unistr unistr_quote unlikely upper zeroblob`);

/** The writer has its own of each, the same on every replica. */
const replaced = words(`
  acos acosh asin asinh atan atan2 atanh cos cosh current_date current_time current_timestamp date
  datetime exp julianday ln log log10 log2 pow power random randomblob sin sinh strftime tan tanh
  time timediff unixepoch`);

/** Of the connection, but set to the same before each command (index first). */
const ofTheCommand = words('changes last_insert_rowid');

/** Differs between versions, builds or connections: harmless to look at, not to store. */
const readOnly = words(`
  fts5_source_id rtreecheck sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id
  sqlite_version total_changes`);

/** Reaches beyond the data, writes, or draws from SQLite's own generator. */
const denied = words(`
  fts3_tokenizer fts5 fts5_locale geopoly_debug load_extension optimize sqlite_log`);

const inWrites = new Set([...pure, ...replaced, ...ofTheCommand]);
const inReads = new Set([...inWrites, ...readOnly]);

/** All that are classified. */
export const listedFunctions: ReadonlySet<string> = new Set([...inReads, ...denied]);

/** Whether a function (lower case) may be used by reads, or by writes and in the schema. */
export const functionAllowed = (name: string, write: boolean): boolean =>
  (write ? inWrites : inReads).has(name);

/** Functions of time: within a schema their time value must not be the text 'now'. */
export const timeFunctionNames: ReadonlySet<string> = new Set([
  'date',
  'time',
  'datetime',
  'julianday',
  'unixepoch',
  'strftime',
  'timediff',
  'current_date',
  'current_time',
  'current_timestamp',
]);

// The PRAGMAs that statements may use: those that only look at the schema or at a constant of the
// file. Every other one changes a setting for whoever comes next, often while it is only prepared.

/** About an object of the schema; the name is an argument. */
const aboutSchema = new Set([
  'table_info',
  'table_xinfo',
  'table_list',
  'index_list',
  'index_info',
  'index_xinfo',
  'foreign_key_list',
  'foreign_key_check',
  'collation_list',
  'function_list',
  'module_list',
  'compile_options',
]);

/** Values that can be read without an argument; with one they would be set. */
const valuesToRead = new Set([
  'user_version',
  'application_id',
  'encoding',
  'page_count',
  'page_size',
  'freelist_count',
  'schema_version',
  'foreign_keys',
  'journal_mode',
  'query_only',
  'data_version',
  // SQLAlchemy asks for it on every new connection.
  'read_uncommitted',
]);

/** Of these the rows depend on one object of the schema and nothing else. */
const inWrites = new Set([
  'pragma_table_info',
  'pragma_table_xinfo',
  'pragma_index_info',
  'pragma_index_xinfo',
  'pragma_foreign_key_list',
]);

/**
 * Whether a table-valued PRAGMA (lower case) shows what may differ between nodes: their build, or
 * the order of things in memory.
 */
export const variesByNode = (table: string): boolean =>
  table.startsWith('pragma_') && !inWrites.has(table);

/** Whether a PRAGMA of this name (lower case) shows the object of the schema that it names. */
export const looksAtSchema = (name: string): boolean => aboutSchema.has(name);

/** Whether a PRAGMA of this name (lower case) may run, with or without an argument. */
export const pragmaAllowed = (name: string, withArgument: boolean): boolean =>
  aboutSchema.has(name) || (!withArgument && valuesToRead.has(name));

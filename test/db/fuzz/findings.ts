// Texts that once passed the guard and should not have, or were taken for cheap and were not: each
// is judged, and run when it is allowed, with every test run.

/** Texts, with what was wrong. */
export const findings: readonly (readonly [why: string, text: string])[] = [
  ['stored the build', 'INSERT INTO t(a) SELECT name FROM pragma_function_list'],
  ['stored the build', 'INSERT INTO t(a) SELECT compile_options FROM pragma_compile_options'],
  [
    'stored the order of things in memory',
    "INSERT INTO u SELECT name, seq FROM pragma_index_list('t')",
  ],
  ['stored how an index is stored', 'INSERT INTO t(a) SELECT block FROM ft_data'],
  ['stored how an index is stored', 'CREATE TABLE n1 AS SELECT * FROM ft_idx'],
  ['stored page numbers', 'INSERT INTO t(a) SELECT rootpage FROM sqlite_schema'],
  ['stored page numbers', 'CREATE TABLE n1 AS SELECT * FROM sqlite_master'],
  ['used up a sequence', 'INSERT OR IGNORE INTO s(id) VALUES(1), (9223372036854775807), (NULL)'],
  ['drew a random rowid', 'REPLACE INTO t(id) VALUES(9223372036854775807), (NULL)'],
  ['looked cheap', 'INSERT INTO t(a) VALUES(length(hex(zeroblob(1 * 250000000))))'],
  ['looked cheap', 'INSERT INTO t(a) VALUES(length("zeroblob"(250000000)))'],
  ['ended the reader', 'CREATE TABLE n1(a); EXPLAIN INSERT INTO n1 VALUES(1)'],
  ['ended the reader', 'CREATE TABLE n1(a); EXPLAIN QUERY PLAN SELECT * FROM n1'],
  [
    'looked like the end of a transaction of others',
    "INSERT INTO u(a) VALUES ($p) RETURNING RAISE(ROLLBACK, 'x'); EXPLAIN INSERT INTO rt DEFAULT VALUES",
  ],
  ['looked cheap', "UPDATE t SET a = replace(hex(zeroblob(900000)), '0', hex(zeroblob(250)))"],
];

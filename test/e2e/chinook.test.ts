// Real input: the Chinook database goes in through the API by the loader, and every node answers as
// SQLite alone does on the same file.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Cluster, eventually } from './cluster.ts';

const pathOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const script = pathOf('../data/chinook/Chinook_Sqlite.sql');
const loader = pathOf('../../tools/load-sql.ts');

const tables = [
  ...['Album', 'Artist', 'Customer', 'Employee', 'Genre', 'Invoice', 'InvoiceLine'],
  ...['MediaType', 'Playlist', 'PlaylistTrack', 'Track'],
];
const rowsInAll = 15_607;

const joins = [
  `SELECT ar.Name, count(*) FROM Artist ar JOIN Album al ON al.ArtistId = ar.ArtistId
   GROUP BY ar.ArtistId ORDER BY 2 DESC, 1 LIMIT 10`,
  `SELECT g.Name, count(*), sum(t.Milliseconds) FROM Genre g JOIN Track t ON t.GenreId = g.GenreId
   GROUP BY g.GenreId ORDER BY g.GenreId`,
  `SELECT c.Country, round(sum(i.Total), 2) FROM Customer c JOIN Invoice i
   ON i.CustomerId = c.CustomerId GROUP BY c.Country ORDER BY 1`,
  `SELECT p.Name, count(pt.TrackId) FROM Playlist p LEFT JOIN PlaylistTrack pt
   ON pt.PlaylistId = p.PlaylistId GROUP BY p.PlaylistId ORDER BY p.PlaylistId`,
  `SELECT e.LastName, m.LastName AS Boss FROM Employee e LEFT JOIN Employee m
   ON m.EmployeeId = e.ReportsTo ORDER BY e.EmployeeId`,
  `SELECT e.LastName, count(DISTINCT c.CustomerId), round(sum(i.Total), 2) FROM Employee e
   JOIN Customer c ON c.SupportRepId = e.EmployeeId JOIN Invoice i ON i.CustomerId = c.CustomerId
   GROUP BY e.EmployeeId ORDER BY e.EmployeeId`,
  `SELECT mt.Name, count(*), sum(t.Bytes) FROM MediaType mt JOIN Track t
   ON t.MediaTypeId = mt.MediaTypeId GROUP BY mt.MediaTypeId ORDER BY mt.MediaTypeId`,
  `SELECT t.Name, sum(il.Quantity), sum(il.UnitPrice) FROM InvoiceLine il JOIN Track t
   ON t.TrackId = il.TrackId GROUP BY t.TrackId ORDER BY 2 DESC, 1, t.TrackId LIMIT 25`,
  `SELECT al.Title, ar.Name, count(*) FROM Album al JOIN Artist ar ON ar.ArtistId = al.ArtistId
   JOIN Track t ON t.AlbumId = al.AlbumId WHERE t.Composer IS NULL GROUP BY al.AlbumId
   ORDER BY 3 DESC, 1 LIMIT 20`,
  `SELECT c.FirstName, c.LastName, c.City, i.InvoiceDate, i.Total FROM Customer c JOIN Invoice i
   ON i.CustomerId = c.CustomerId WHERE c.City LIKE '%ã%' OR c.City LIKE '%é%'
   ORDER BY i.InvoiceId`,
];

/** What SQLite alone answers; values as JSON would show them. */
const alone = (): DatabaseSync => {
  const database = new DatabaseSync(':memory:');
  database.exec(readFileSync(script, 'utf8'));
  return database;
};

test('15,607 rows in 11 tables: counts and ten joins are equal on all nodes and in SQLite', async (t) => {
  const cluster = await Cluster.start(3);
  t.after(() => cluster.remove());
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [loader, script, '--cluster', join(cluster.folder, 'cluster.json')],
    { timeout: 120_000 },
  );
  t.diagnostic(stdout.trim().split('\n').at(-1) ?? '');
  const database = alone();
  t.after(() => database.close());
  const [[applied] = []] = await cluster.query(0, 'SELECT count(*) FROM Track', 'strong');
  assert.ok(Number(applied) > 0);
  const last = tables.map((name) => `(SELECT count(*) FROM ${name})`).join(' + ');
  for (let at = 0; at < 3; at++) {
    await eventually(`node ${at} has all rows`, async () => {
      const [[rows] = []] = await cluster.query(at, `SELECT ${last}`, 'none');
      return rows === rowsInAll;
    });
    for (const name of tables) {
      const sql = `SELECT count(*) FROM ${name}`;
      const expected = database.prepare(sql).all().map(Object.values);
      assert.deepEqual(await cluster.query(at, sql, 'none'), expected, name);
    }
    for (const sql of joins) {
      const asked = await cluster.ask(at, `/db/query?level=none&q=${encodeURIComponent(sql)}`);
      const { results } = asked.json as { results: { types: string[]; values: unknown[][] }[] };
      const [result] = results;
      const expected = database.prepare(sql).all().map(Object.values);
      // rqlite's contract: a column declared DATETIME is answered as RFC 3339.
      const dates = (result?.types ?? []).map((type) => type === 'datetime');
      const asSent = expected.map((row) =>
        row.map((value, column) =>
          dates[column] === true ? `${String(value).replace(' ', 'T')}Z` : value,
        ),
      );
      assert.deepEqual(result?.values, asSent, sql);
      assert.ok(asSent.length > 0, sql);
    }
  }
});

// Sorts more than fits into memory on a reader, and prints the result: under limits of a test.
import { openReader } from '#db/open-reader.ts';
import { effects, tableOf } from './support.ts';

const reader = openReader({ dataFolder: process.argv[2] ?? '', ...effects });
const sort = `WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c LIMIT 150000)
  SELECT count(*) FROM (SELECT randomblob(200) AS r FROM c ORDER BY r LIMIT -1 OFFSET 1)`;
for (const text of [sort, 'SELECT 1']) {
  const { json, error } = reader.read({
    ...tableOf([text]),
    transaction: false,
    render: 1,
    rowsMax: 10,
    bytesMax: 1000,
  });
  process.stdout.write(`${json.toString()}${error}\n`);
}
reader.close();

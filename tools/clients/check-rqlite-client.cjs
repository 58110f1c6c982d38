// rqlite-client (npm), unchanged, against a running cluster: the arguments are URLs with user and
// password. It knows no parameters and no transactions.
const assert = require('node:assert/strict');
const { Client } = require('rqlite-client');

const run = async () => {
  const client = new Client(process.argv.slice(2));
  await client.exec('DROP TABLE IF EXISTS js_two');
  await client.exec('CREATE TABLE js_two (id INTEGER PRIMARY KEY, name TEXT UNIQUE)');
  const wrote = await client.exec("INSERT INTO js_two(name) VALUES('ada')");
  assert.deepEqual([wrote.last_insert_id, wrote.rows_affected], [1, 1]);
  assert.deepEqual(await client.query('SELECT id, name FROM js_two'), [{ id: 1, name: 'ada' }]);
  await assert.rejects(client.exec("INSERT INTO js_two(name) VALUES('ada')"), /UNIQUE constraint/);
  await assert.rejects(client.query('SELECT * FROM nothing_here'), /no such table/);
  assert.ok((await client.status()).store.raft);
};

run().then(
  () => process.stdout.write('rqlite-client: ok\n'),
  (error) => {
    process.stderr.write(`rqlite-client: ${error.stack}\n`);
    process.exitCode = 1;
  },
);

// What `stockade import` makes of rqlited's flags. Its users and its database go in at a running
// cluster: test/e2e/backup-days.test.ts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { flagsFrom, wordsOf, wordsOfUnit } from '#cli/import/command-line.ts';
import { rqliteFlags } from '#cli/import/rqlite-flags.ts';
import {
  flagsTable,
  goDurationMs,
  settingsText,
  switches,
  translatedFlag,
} from '#cli/import/translate-flags.ts';
import { configFrom } from '#node/config.ts';
import { settings } from '#node/settings.ts';

const unit = `[Service]
User=rqlite
ExecStart=/usr/bin/rqlited -node-id n1 \\
  -http-addr :4001 -http-adv-addr=db1.example:4001 \\
  -raft-addr localhost:4002 "-raft-adv-addr" 'db1.example:4002' \\
  -fk -raft-non-voter=false -disco-mode consul-kv -disco-key "prod" -disco-config=/etc/disco.json \\
  -raft-reap-node-timeout 1h30m -raft-log-level WARN -write-queue-timeout 250ms -write-queue-tx=true \\
  -auth /etc/rqlite/auth.json -join other:4002 -raft-election-timeout 1.5s -nonsense x \\
  /var/lib/rqlite
Restart=always
`;

test('a unit of systemd becomes settings that a node takes, and remarks for the rest', () => {
  const { flags, dataFolder } = flagsFrom(wordsOfUnit(unit), switches);
  assert.equal(dataFolder, '/var/lib/rqlite');
  const translated = flags.map(translatedFlag);
  assert.match(
    settingsText(translated),
    /^peer:\n {2}listen: 127\.0\.0\.1:4002\n {2}advertise: db1\.example:4002$/m,
  );
  const taken = new Map(
    translated.flatMap(({ setting, here }) => (setting === '' ? [] : [[setting, here] as const])),
  );
  const missing = { 'auth.file': 'a', 'node.data': 'd', 'http.certificate': 'c', 'http.key': 'k' };
  const peer = { 'peer.certificate': 'c', 'peer.key': 'k', 'peer.ca': 'a' };
  const more = { ...missing, ...peer, 'cluster.discovery.config': 'x' };
  for (const [key, value] of Object.entries(more)) taken.set(key, value);
  const config = configFrom({ flags: taken, environment: {}, file: undefined });
  assert.deepEqual(config.http.listen, { host: '0.0.0.0', port: 4001 });
  assert.deepEqual(config.peer.advertise, { host: 'db1.example', port: 4002 });
  assert.equal(config.db.foreignKeys, true);
  assert.equal(config.cluster.discovery?.mode, 'consul');
  assert.equal(config.cluster.discovery?.name, 'prod');
  assert.equal(config.cluster.reap.voterMs, 90 * 60_000);
  assert.equal(config.queue.timeoutMs, 250);
  assert.equal(config.queue.transaction, true);
  assert.equal(config.raft.electionMs, 1500);
  assert.equal(config.node.logLevel, 'warn');
  const table = flagsTable(translated);
  assert.match(table, /^-http-addr :4001 +http\.listen: 0\.0\.0\.0:4001$/m);
  assert.match(table, /^-join other:4002 +- +a token/m);
  assert.match(table, /^-nonsense x +- +rqlite has no such flag; -/m);
  assert.match(table, /^-auth \/etc\/rqlite\/auth\.json +- .*stockade import --auth/m);
});

test('what cannot be read is refused, not guessed', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["-node-id 'n1", /quote ' is not closed/],
    ['-node-id', /-node-id has no value/],
    ['-fk data more', /what is "data"/],
    ['-fk --', /what is "--"/],
  ];
  for (const [text, pattern] of wrong) {
    assert.throws(() => flagsFrom(wordsOf(text), switches), pattern);
  }
  assert.throws(() => wordsOfUnit('[Service]\nType=simple\n'), /no ExecStart/);
  assert.match(
    translatedFlag({ flag: 'raft-reap-node-timeout', value: '1 day' }).remark,
    /cannot be read/,
  );
  assert.deepEqual(wordsOf('a "b c" \'d "e\' f\\ g ""'), ['a', 'b c', 'd "e', 'f g', '']);
});

test('durations of Go are read as Go reads them', () => {
  assert.equal(goDurationMs('1h30m'), 5_400_000);
  assert.equal(goDurationMs('250ms'), 250);
  assert.equal(goDurationMs('1.5s'), 1500);
  assert.equal(goDurationMs('0'), 0);
  for (const text of ['', '5', '1d', '-1s', '1h30'])
    assert.equal(goDurationMs(text), undefined, text);
});

test('every flag of rqlited is in the table once, its setting exists, and docs/RQLITE.md names it', () => {
  const names = rqliteFlags.map(({ flag }) => flag);
  assert.equal(new Set(names).size, names.length);
  const keys = new Set(settings.map(({ key }) => key));
  const page = readFileSync(new URL('../../docs/RQLITE.md', import.meta.url), 'utf8');
  for (const { flag, setting, remark } of rqliteFlags) {
    assert.ok(setting === undefined ? remark !== '' : keys.has(setting), flag);
    assert.ok(page.includes(`\`-${flag}\``), `${flag} is not in the page`);
    if (setting !== undefined) assert.ok(page.includes(`\`${setting}\``), `${setting}: ${flag}`);
  }
});

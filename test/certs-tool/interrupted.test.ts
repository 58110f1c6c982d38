// What an interrupted or mistyped command leaves in the authority's folder, and how the next one
// makes it good.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { failure, placeFor, problemsIn, settled, text } from './program-run.ts';

test('nothing is issued behind a line that was cut; a line that lacks only its end gets one', (context) => {
  const place = settled(context);
  const good = text('authority/issued.jsonl');
  writeFileSync('authority/issued.jsonl', `${good}{"version":1,"ser`);
  const { exit, why } = failure(place, 'client', 'ada');
  assert.equal(exit, 78);
  assert.match(why, /issued\.jsonl: line 2 is not a record/);
  assert.ok(!existsSync('certs/ada/user.ada.crt'));
  assert.equal(text('authority/issued.jsonl'), `${good}{"version":1,"ser`);
  writeFileSync('authority/issued.jsonl', good.trimEnd());
  place.json('client', 'ada');
  assert.equal(text('authority/issued.jsonl').split('\n').length, 3);
  assert.equal(place.run('list').out.length, 2);
});

/** What stops the folder's state from being written, until it is called. */
const stuckState = (): (() => void) => {
  mkdirSync('authority/authority.json.new/x', { recursive: true, mode: 0o700 });
  return () => rmSync('authority/authority.json.new', { recursive: true });
};

test('a CA that was made and not recorded is made anew by the same command', (context) => {
  const place = placeFor(context);
  const free = stuckState();
  assert.equal(failure(place, 'ca', 'new').code, 'storage_failed');
  free();
  place.json('ca', 'new');
  place.json('node', 'n1', '--host', 'n1.lan');
  assert.deepEqual(problemsIn(place, 'certs/n1'), []);
  const freeAgain = stuckState();
  assert.equal(failure(place, 'rotate', '--kind', 'peer').code, 'storage_failed');
  const [state, left] = ['authority/authority.json', 'authority/peer-ca.g2.key'].map(text);
  freeAgain();
  place.json('rotate', '--kind', 'peer');
  assert.notEqual(text('authority/peer-ca.g2.key'), left);
  assert.equal(text('authority/peer-ca.crt').match(/BEGIN CERTIFICATE/g)?.length, 2);
  // One that has been trusted is in use, whatever an old state says.
  const used = text('authority/peer-ca.g2.key');
  writeFileSync('authority/authority.json', state ?? '');
  const { exit, why } = failure(place, 'rotate', '--kind', 'peer');
  assert.equal(exit, 5);
  assert.match(
    why,
    /g2\.key is there and has been in use, and authority\.json does not know of it/,
  );
  assert.equal(text('authority/peer-ca.g2.key'), used);
});

test('a trust file that a crash left behind the state is made again by the next rotate', (context) => {
  const place = settled(context);
  const old = text('authority/peer-ca.crt');
  place.json('rotate', '--kind', 'peer');
  const both = text('authority/peer-ca.crt');
  writeFileSync('authority/peer-ca.crt', old);
  assert.equal(failure(place, 'rotate', '--kind', 'peer').code, 'guard');
  assert.equal(text('authority/peer-ca.crt'), both);
});

test('a lifetime that is refused leaves no folder behind', (context) => {
  const place = placeFor(context);
  assert.equal(failure(place, 'ca', 'new', '--days', '99999').exit, 78);
  assert.ok(!existsSync('authority'));
});

test('rotate refuses a folder that is not there and a holder that nobody is', (context) => {
  const place = settled(context);
  place.json('rotate', '--kind', 'peer');
  const folder = failure(place, 'rotate', '--kind', 'peer', '--folder', 'nosuch');
  assert.deepEqual([folder.exit, folder.why], [78, 'there is no folder nosuch']);
  const words = ['--confirm', 'node:n1', '--confirm', 'node:nope'];
  const holder = failure(place, 'rotate', '--kind', 'peer', ...words);
  assert.equal(holder.exit, 78);
  assert.match(holder.why, /node:nope has no certificate of the peer CA in force/);
  place.json('rotate', '--kind', 'peer', '--confirm', 'node:n1');
});

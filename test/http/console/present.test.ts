// What the console shows of answers, in which words, and what it offers to whom.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyIn, remember } from '#http/console/history.js';
import {
  areReads,
  cellOf,
  charactersShownMax,
  dataPath,
  faultText,
  kindOfFile,
  may,
  momentText,
  nodeViews,
  octetsShownMax,
  quotedName,
  resultsView,
  rowsShownMax,
} from '#http/console/present.js';

const resultsOf = (results: string) => resultsView({ status: 200, text: `{"results":${results}}` });

test('NULL, numbers, booleans, texts and BLOBs are told apart', () => {
  assert.deepEqual(cellOf(null), { kind: 'null', text: 'NULL' });
  assert.deepEqual(cellOf('NULL'), { kind: 'text', text: 'NULL' });
  assert.deepEqual(cellOf(5), { kind: 'number', text: '5' });
  assert.deepEqual(cellOf(true), { kind: 'boolean', text: 'true' });
  assert.deepEqual(cellOf([0, 10, 255]), { kind: 'blob', text: "X'000aff'", note: '3 bytes' });
  assert.deepEqual(cellOf([]), { kind: 'blob', text: "X''", note: '0 bytes' });
  assert.deepEqual(cellOf("X'00'"), { kind: 'text', text: "X'00'" });
});

test('a long BLOB and a long text are cut in the table, with their length; the text stays whole', () => {
  const blob = cellOf(Array.from({ length: octetsShownMax + 1 }, () => 1));
  assert.match(blob.text, /01…'$/);
  assert.equal(blob.note, `${octetsShownMax + 1} bytes`);
  const text = `${'x'.repeat(charactersShownMax - 1)}\u{1f600}tail`;
  const cell = cellOf(text);
  assert.equal(cell.text, `${'x'.repeat(charactersShownMax - 1)}…`);
  assert.equal(cell.whole, text);
});

test('rows beyond those that are shown are counted, and the note says that they are', () => {
  const rows = JSON.stringify(Array.from({ length: rowsShownMax + 1 }, (_, at) => [at]));
  const { views } = resultsOf(`[{"columns":["a"],"types":["integer"],"values":${rows}}]`);
  const [view] = views;
  assert.ok(view?.kind === 'rows');
  assert.equal(view.rows.length, rowsShownMax);
  assert.match(view.note, /^the first 500 of 501 rows/);
});

test('a result keeps 64-bit integers, and columns of one name beside each other', () => {
  const { views } = resultsOf(
    '[{"columns":["a","a"],"types":["integer",""],"values":[[9223372036854775807,1.0]],"time":0.0005}]',
  );
  const [view] = views;
  assert.ok(view?.kind === 'rows');
  assert.deepEqual(view.columns, ['a', 'a']);
  assert.deepEqual(
    view.rows[0]?.map(({ text }) => text),
    ['9223372036854775807', '1.0'],
  );
  assert.equal(view.note, '1 row, 0.5 ms');
});

test('a write says what it changed, a failed statement why, each at its place', () => {
  const { views, fault } = resultsOf(
    '[{"last_insert_id":9223372036854775807,"rows_affected":2},{"error":"no such table: x"},{}]',
  );
  assert.deepEqual(views, [
    { kind: 'done', note: 'done: 2 rows changed, last insert id 9223372036854775807' },
    { kind: 'error', text: 'no such table: x' },
    { kind: 'done', note: 'done: no row changed' },
  ]);
  assert.equal(fault, '');
});

test('a refusal is a sentence with its code and request, and says what became of the data', () => {
  const body = { error: 'This user lacks it', code: 'permission_denied', requestId: 'a-1' };
  const text = JSON.stringify({ ...body, applied: 'no' });
  assert.equal(
    faultText({ status: 403, text }),
    'This user lacks it. Nothing was changed. (permission_denied, status 403, request a-1)',
  );
  const unknown = faultText({ status: 503, text: '{"error":"gone","applied":"unknown"}' });
  assert.match(unknown, /look before you do it again/);
  assert.match(faultText({ status: 502, text: '<html>' }), /<html>.*status 502/);
  assert.match(faultText({ status: 500, text: '' }), /nothing more/);
});

test('a write that was done and cannot be shown is no failure without words', () => {
  const { views, fault } = resultsView({
    status: 200,
    text: '{"results":[],"error":"too large","code":"result_too_large","requestId":"a","applied":"yes"}',
  });
  assert.deepEqual(views, []);
  assert.match(fault, /too large\. The change was made\./);
});

test('statements go where the user may send them, or nowhere', () => {
  assert.equal(dataPath(['all']), '/db/request');
  assert.equal(dataPath(['query', 'execute', 'ui']), '/db/request');
  assert.equal(dataPath(['query']), '/db/query');
  assert.equal(dataPath(['execute']), '/db/execute');
  assert.equal(dataPath(['ui']), undefined);
  assert.ok(!may(['all'], 'heavy'));
});

test('a name becomes SQL with its quotes doubled, and a file is what its first bytes say', () => {
  assert.equal(quotedName('a"b'), '"a""b"');
  assert.equal(kindOfFile(Buffer.from('SQLite format 3\0')), 'database');
  assert.equal(kindOfFile(Buffer.from('SELECT 1')), 'sql');
  assert.equal(kindOfFile(Buffer.alloc(0)), 'sql');
});

test('the lag of a node is what the leader has applied before it; without a word it is not known', () => {
  const nodes = {
    nodes: [
      {
        id: 'n1',
        leader: true,
        voter: true,
        reachable: true,
        api_addr: 'https://a:1',
        version: '1',
      },
      {
        id: 'n2',
        leader: false,
        voter: true,
        reachable: true,
        api_addr: 'https://b:1',
        version: '1',
      },
      { id: 'n3', leader: false, voter: false, reachable: false, error: 'no answer' },
    ],
  };
  const outcomes = {
    nodes: [
      { id: 'n1', applied_index: 10 },
      { id: 'n2', applied_index: 9 },
      { id: 'n3', applied_index: null },
    ],
  };
  const shown = nodeViews(nodes, { leader: 'n1', outcomes }).map(({ name, role, lag, version }) => [
    name,
    role,
    lag,
    version,
  ]);
  assert.deepEqual(shown, [
    ['n1', 'leader', 'none', '1'],
    ['n2', 'follower', '1 entry behind', '1'],
    ['n3', 'read replica', 'not known', 'no answer'],
  ]);
  assert.deepEqual(
    nodeViews(nodes, undefined).map(({ lag }) => lag),
    ['not known', 'not known', 'not known'],
  );
});

/** A session's storage of one value. */
const storage = (text: string | null = null) => ({
  text,
  getItem() {
    return this.text;
  },
  setItem(_key: string, value: string) {
    this.text = value;
  },
});

test('the history is bounded, newest first, without doubles, and survives nonsense in the storage', () => {
  const session = storage();
  for (let at = 0; at < 60; at++) remember(session, `SELECT ${at}`);
  remember(session, 'SELECT 30');
  remember(session, 'x'.repeat(20_001));
  const texts = historyIn(session);
  assert.equal(texts.length, 50);
  assert.deepEqual(texts.slice(0, 2), ['SELECT 30', 'SELECT 59']);
  assert.equal(texts.filter((text) => text === 'SELECT 30').length, 1);
  for (const nonsense of ['{', '{}', '"a"', 'null']) {
    assert.deepEqual(historyIn(storage(nonsense)), []);
  }
  const full = {
    ...storage(),
    setItem: () => {
      throw new Error('full');
    },
  };
  remember(full, 'SELECT 1');
});

test('only what is a read for certain counts as one', () => {
  assert.ok(areReads(['SELECT 1', 'values (1)', 'EXPLAIN DELETE FROM t']));
  for (const text of ['INSERT INTO t SELECT 1', 'WITH x AS (SELECT 1) DELETE FROM t', 'SELECTED']) {
    assert.ok(!areReads(['SELECT 1', text]), text);
  }
});

test('a moment is shown to the minute, and what is none as it stands', () => {
  assert.equal(momentText('2027-11-23T13:54:21.000Z'), '2027-11-23 13:54 UTC');
  assert.equal(momentText('never'), 'never');
});

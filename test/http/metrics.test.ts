// /metrics: the text format by its rules, and the numbers of a front that was used.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { exposition, summed } from '#http/metrics/exposition.ts';
import { families } from '#http/metrics/families.ts';
import { Histogram } from '#http/metrics/histogram.ts';
import { openTestFront } from './test-front.ts';

test('families are named with help and type, labels and help are escaped', () => {
  const text = exposition(
    { b_total: { type: 'counter', help: 'a \\ and\na line' }, empty: { type: 'gauge', help: 'x' } },
    [
      { name: 'b_total', labels: { z: '1', a: 'q"\\\n' }, value: 2 },
      { name: 'b_total', labels: {}, value: 1.5 },
      { name: 'unknown', labels: {}, value: 1 },
    ],
  );
  assert.equal(
    text,
    '# HELP b_total a \\\\ and\\na line\n# TYPE b_total counter\nb_total 1.5\nb_total{a="q\\"\\\\\\n",z="1"} 2\n# HELP empty x\n# TYPE empty gauge\n',
  );
});

test('what several fronts counted is added up by name and labels', () => {
  const one = { name: 'n', labels: { route: '/a', status: '200' }, value: 1 };
  const same = { name: 'n', labels: { status: '200', route: '/a' }, value: 2 };
  const other = { name: 'n', labels: { route: '/b', status: '200' }, value: 5 };
  assert.deepEqual(
    summed([[one, other], [same]]).map(({ value }) => value),
    [3, 5],
  );
});

test('a histogram holds in each bucket what the smaller ones hold, too; its lines keep their order', () => {
  const histogram = new Histogram([0.1, 1]);
  for (const value of [0.1, 0.5, 7, -3]) histogram.observe(value);
  const text = exposition(
    { h: { type: 'histogram', help: 'x' } },
    summed([histogram.samples('h', { a: 'b' }), histogram.samples('h', { a: 'b' })]),
  );
  assert.equal(
    text,
    '# HELP h x\n# TYPE h histogram\nh_bucket{a="b",le="0.1"} 4\nh_bucket{a="b",le="1"} 6\nh_bucket{a="b",le="+Inf"} 8\nh_sum{a="b"} 15.2\nh_count{a="b"} 8\n',
  );
});

test('names follow the conventions: a prefix, base units, counters end in _total', () => {
  for (const [name, { type }] of Object.entries(families)) {
    assert.match(name, /^stockade_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(name, /_(?:ms|milliseconds|microseconds|kib|mib)\b/);
  }
});

test('a front counts requests by route and status, refusals by code, and what is in flight', async (context) => {
  const { send, backend, front } = await openTestFront(context);
  backend.frontSamples = () => [front.samples(), front.samples()];
  backend.readersKilled = 4;
  backend.assumed = { role: 'follower', commitIndex: 12, appliedIndex: 9, leaderContactMs: 250 };
  const user = 'admin';
  await send('GET', '/db/query?level=none&q=SELECT+1', { user });
  await send('GET', '/db/query?level=none&q=SELECT+1', { user });
  await send('GET', '/nowhere/123', { user });
  await send('GET', '/status');
  const answer = await send('GET', '/metrics', { user: 'only-metrics' });
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  for (const line of [
    'stockade_build_info{version="9.9.9"} 1',
    'stockade_http_requests_total{route="/db/query",status="200"} 4',
    'stockade_http_requests_total{route="none",status="404"} 2',
    'stockade_http_requests_total{route="/status",status="401"} 2',
    'stockade_http_refusals_total{code="unauthenticated"} 2',
    'stockade_http_requests_in_flight 2',
    'stockade_http_request_duration_seconds_count{route="/db/query"} 4',
    'stockade_http_request_duration_seconds_bucket{le="+Inf",route="/db/query"} 4',
    'stockade_verdict_cache_hits_total 2',
    'stockade_verdict_cache_misses_total 2',
    'stockade_readers_killed_total 8',
    'stockade_queue_waiting 0',
    'stockade_raft_role{role="follower"} 1',
    'stockade_raft_role{role="leader"} 0',
    'stockade_raft_term 1',
    'stockade_raft_commit_index 12',
    'stockade_raft_lag_entries 3',
    'stockade_raft_leader_contact_seconds 0.25',
    'stockade_raft_proposals_in_flight 3',
    'stockade_process_restarts_total{process="front"} 2',
    'stockade_process_restarts_total{process="writer"} 1',
  ]) {
    assert.ok(answer.text.includes(`\n${line}\n`), `${line} in\n${answer.text}`);
  }
  assert.doesNotMatch(answer.text, /nowhere|undefined|NaN/);
});

test('connections that are no TLS, and those beyond what an address may have, are counted apart', async (context) => {
  const plain = await openTestFront(context);
  const full = await openTestFront(context, { front: { unprovedPerAddressMax: 1 } });
  const closed = (port: number, text: string): Promise<unknown> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.on('error', () => undefined);
      socket.on('data', () => undefined);
      socket.on('close', resolve);
    });
  const refused = ({ front }: typeof plain): readonly string[] =>
    front
      .samples()
      .filter(({ name }) => name === 'stockade_connections_refused_total')
      .map(({ labels, value }) => `${labels['port']} ${labels['reason']} ${value}`);
  await closed(plain.port, 'GET / HTTP/1.1\r\n\r\n');
  assert.deepEqual(refused(plain), ['api handshake 1']);
  const idle = connect(full.port, '127.0.0.1');
  context.after(() => idle.destroy());
  await once(idle, 'connect');
  await closed(full.port, '');
  assert.ok(refused(full).includes('api limit 1'), refused(full).join());
});

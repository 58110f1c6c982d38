// Who may found a cluster, when, and with whom: one or none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decide,
  isReleased,
  type MetAt,
  obstacleText,
  type View,
} from '#cluster/forming/founding.ts';
import {
  decodeIntroduction,
  encodeIntroduction,
  type Founder,
  foundingDigest,
  type Introduction,
} from '#cluster/forming/introduction.ts';
import { nodeNameFrom } from '#identity/node-name.ts';

const founder = (at: number): Founder => ({
  name: `n${at}`,
  storeId: String(at).repeat(32),
  keyPin: `pin ${at}`,
  peerAddress: `192.0.2.${at}:4002`,
  apiUrl: `https://192.0.2.${at}:4001`,
});
const three = [1, 2, 3].map(founder);
const digest = foundingDigest(three);

const introduction = (at: number, changes: Partial<Introduction> = {}): Introduction => {
  const { storeId, peerAddress, apiUrl } = founder(at);
  return {
    ...{ storeId, peerAddress, apiUrl, run: `run ${at}`, stage: 'forming', expect: 3 },
    ...{ seen: three, obstacle: '', pledge: '', founding: '', ask: '', stranger: '' },
    ...changes,
  };
};

const met = (at: number, changes: Partial<Introduction> = {}, name = `n${at}`): MetAt => ({
  name: nodeNameFrom(name),
  keyPin: founder(at).keyPin,
  says: introduction(at, changes),
  address: `n${at}.lan:4002`,
  at: { host: `192.0.2.${at}`, port: 4002 },
});

/** What node `self` sees: itself, at its own address too, and the others. */
const viewOf = (self: number, others: readonly MetAt[], changes: Partial<View> = {}): View => ({
  self: founder(self),
  run: `run ${self}`,
  expect: 3,
  met: [met(self), ...others],
  unexplained: [],
  pledge: undefined,
  ...changes,
});

const whyOf = (view: View): string => {
  const decision = decide(view);
  return 'why' in decision ? `${decision.kind}: ${decision.why}` : decision.kind;
};

test('of three that have all met each other the smallest name founds, the others agree to it', () => {
  const first = decide(viewOf(1, [met(2), met(3)]));
  assert.deepEqual(first, { kind: 'found', founders: three, digest });
  const second = decide(viewOf(2, [met(3), met(1)]));
  assert.deepEqual(second, { kind: 'agree', creator: founder(1), digest });
});

test('a node that was met at two addresses is one node', () => {
  assert.equal(decide(viewOf(1, [met(2), met(2), met(3)])).kind, 'found');
});

test('nothing is founded while one is missing, an address is left, or somebody has met others', () => {
  assert.match(whyOf(viewOf(1, [met(2)])), /^wait: 1 of 3 nodes missing, met: n1, n2$/);
  const left = viewOf(1, [met(2), met(3)], { unexplained: ['n4.lan:4002: ECONNREFUSED'] });
  assert.match(whyOf(left), /^wait: 3 nodes have met, but an address is left: n4\.lan/);
  assert.match(obstacleText(left), /an address is left/);
  const apart = viewOf(1, [met(2, { seen: [founder(1), founder(2)] }), met(3)]);
  assert.match(whyOf(apart), /^wait: n2 has met others than n1 so far/);
  assert.equal(obstacleText(apart), '');
  const blocked = viewOf(1, [met(2, { obstacle: 'an address is left' }), met(3)]);
  assert.match(whyOf(blocked), /^wait: n2 waits: an address is left/);
  assert.match(whyOf(viewOf(1, [met(2, { stage: 'joining' }), met(3)])), /^wait: n2 waits for/);
});

test('waiting does not help when there are too many, two of a name, or other numbers', () => {
  assert.match(
    whyOf(
      viewOf(
        1,
        [2, 3, 4].map((at) => met(at)),
      ),
    ),
    /^refuse: 4 nodes meet/,
  );
  assert.match(whyOf(viewOf(1, [met(2), met(3, {}, 'n2')])), /^refuse: two processes are n2/);
  assert.match(whyOf(viewOf(1, [met(2, {}, 'n1')])), /^refuse: another process is n1 too/);
  assert.match(whyOf(viewOf(1, [met(2, { expect: 5 })])), /^refuse: n2 expects 5 .* n1 expects 3/);
});

test('a cluster that exists is followed by who is on its record, and founded again by nobody', () => {
  const host = met(3, { stage: 'member' });
  const deaf = met(2, { stage: 'member', stranger: 'n1 is not on its record' });
  assert.deepEqual(decide(viewOf(1, [deaf, host])), { kind: 'follow', by: 'n3' });
  assert.match(whyOf(viewOf(1, [deaf, met(3)])), /^refuse: n2 .* member of a cluster already/);
});

const pledge = { founding: digest, creator: 'n1', creatorStoreId: founder(1).storeId };

test('a promise binds to one founding; another one waits, there and at its creator', () => {
  assert.equal(decide(viewOf(2, [met(1), met(3)], { pledge })).kind, 'agree');
  const others = [founder(2), founder(3), founder(4)];
  const view = viewOf(2, [met(3, { seen: others }), met(4, { seen: others })], { pledge });
  assert.match(whyOf(view), /^wait: this node promised n1/);
  const bound = viewOf(1, [met(2, { pledge: 'another' }), met(3)]);
  assert.match(whyOf(bound), /^wait: n2 promised to be part of another founding/);
});

test('only its creator, on the same disk and while it forms, voids a promise', () => {
  assert.equal(isReleased(pledge, [met(1)]), true);
  assert.equal(isReleased(pledge, [met(1, { founding: digest })]), false);
  assert.equal(isReleased(pledge, [met(1, { storeId: 'f'.repeat(32) })]), false);
  assert.equal(isReleased(pledge, [met(1, { stage: 'member' })]), false);
  assert.equal(isReleased(pledge, [met(2), met(3)]), false);
});

test('the digest of a founding is the same in any order, and another one with any other disk or key', () => {
  assert.equal(foundingDigest([...three].reverse()), digest);
  for (const change of [{ storeId: 'f'.repeat(32) }, { keyPin: 'x' }, { name: 'n9' }]) {
    assert.notEqual(foundingDigest([{ ...founder(1), ...change }, founder(2), founder(3)]), digest);
  }
});

test('an introduction is read as it was written, and nothing else is read as one', () => {
  const sound = introduction(1);
  assert.deepEqual(decodeIntroduction(encodeIntroduction(sound)), sound);
  const wrong: readonly Readonly<Record<string, unknown>>[] = [
    ...[{ version: 2 }, { storeId: 'x' }, { peerAddress: 'n1' }, { apiUrl: 'http://n1:1' }],
    ...[{ stage: 'leader' }, { expect: 1.5 }, { seen: 'all' }, { seen: [{ name: 'n1' }] }],
    ...[{ obstacle: 'a\nline' }, { pledge: 1 }, { stranger: undefined }],
    { seen: Array.from({ length: 65 }, () => founder(1)) },
  ];
  for (const change of wrong) {
    const text = JSON.stringify({ version: 1, ...sound, ...change });
    assert.equal(decodeIntroduction(Buffer.from(text)), undefined, JSON.stringify(change));
  }
  for (const text of ['', '{', '[]', 'null']) {
    assert.equal(decodeIntroduction(Buffer.from(text)), undefined, text);
  }
});

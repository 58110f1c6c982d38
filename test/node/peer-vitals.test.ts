// What a leader makes of the clocks and the databases of the other voters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import { heirOf } from '#node/hand-over.ts';
import { membershipFrom } from '#node/membership-codec.ts';
import { peerCalls } from '#node/peer-calls.ts';
import { PeerVitals } from '#node/peer-vitals.ts';
import { logIndex } from '#raft/log-index.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import type { Role } from '#raft/ready.ts';
import { term } from '#raft/term.ts';

interface Peer {
  /** Its clock minus that of n1. */
  offsetMs: number;
  stalledMs?: number;
  isUp?: boolean;
  /** How long its answer takes. */
  tripMs?: number;
}

/** Node n1 and its vitals, the leader of itself and these. */
const leaderOf = (peers: Readonly<Record<string, Peer>>) => {
  const names = ['n1', ...Object.keys(peers)];
  const stalled = new Set<string>();
  const state = { nowMs: 1000, role: 'leader' as Role, alarm: '', givenUp: 0 };
  const wallMs = (): number => 1_700_000_000_000 + Math.round(state.nowMs);
  const membership = membershipFrom({
    voters: names,
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  });
  const raft = {
    get softState() {
      return { role: state.role, term: term(2), leader: nodeId('n1') };
    },
    membership,
    get followers() {
      return Object.keys(peers).map((name) => ({
        node: nodeId(name),
        match: logIndex(9),
        needsImage: false,
        isActive: true,
        isStalled: stalled.has(name),
      }));
    },
    reportStalled: (name: NodeId, isStalled: boolean) => {
      if (isStalled) stalled.add(name);
      else stalled.delete(name);
    },
  };
  const effects = {
    alarms: {
      raise: (_name: string, message: string) => {
        state.alarm = message;
      },
      clear: () => {
        state.alarm = '';
      },
    },
    monotonicMs: () => state.nowMs,
    stalledMs: () => 0,
    giveUpLeadership: () => {
      state.givenUp += 1;
    },
  };
  const isUp = (name: NodeName): boolean => peers[name]?.isUp !== false;
  const vitals: PeerVitals = new PeerVitals({
    ...effects,
    self: nodeNameFrom('n1'),
    raft,
    wallMs,
    transport: {
      isUp,
      call: (to, method, _payload, _deadlineMs, done) => {
        const { offsetMs = 0, stalledMs = 0, tripMs = 0 } = peers[to] ?? {};
        // The other side's own answer, half way of the trip.
        const other = new PeerVitals({
          ...effects,
          self: to,
          raft,
          transport: { isUp, call: () => undefined },
          wallMs: () => wallMs() + offsetMs,
          stalledMs: () => stalledMs,
        });
        state.nowMs += tripMs / 2;
        let payload = Buffer.alloc(0);
        assert.ok(
          other.answer(method, (bytes) => {
            payload = Buffer.from(bytes);
          }),
        );
        state.nowMs += tripMs / 2;
        done({ kind: 'reply', payload });
      },
    },
  });
  /** Asks, and a second later judges what came. */
  const look = (): void => {
    vitals.look();
    state.nowMs += 1000;
    vitals.look();
  };
  return { vitals, state, look, raft, isUp };
};

test('clocks within two seconds of the median are no alarm, however long the answers take', () => {
  const { look, state } = leaderOf({
    n2: { offsetMs: 1900, tripMs: 900 },
    n3: { offsetMs: -1900, tripMs: 10 },
  });
  look();
  assert.equal(state.alarm, '');
});

test('a clock that is off by more raises an alarm that names it, until it is right again', () => {
  const n3 = { offsetMs: -7000 };
  const { look, state } = leaderOf({ n2: { offsetMs: 100 }, n3 });
  look();
  assert.match(state.alarm, /^the clock of n3 is about 7 s behind the median/);
  assert.equal(state.givenUp, 0);
  n3.offsetMs = 0;
  look();
  assert.equal(state.alarm, '');
});

test('a leader ten seconds ahead of the others gives its office away, one that is behind does not', () => {
  const ahead = leaderOf({ n2: { offsetMs: -10_500 }, n3: { offsetMs: -10_400 } });
  ahead.look();
  assert.ok(ahead.state.givenUp > 0);
  assert.match(ahead.state.alarm, /the clock of n1 is about 10 s ahead/);
  const behind = leaderOf({ n2: { offsetMs: 60_000 }, n3: { offsetMs: 60_000 } });
  behind.look();
  assert.equal(behind.state.givenUp, 0);
  assert.match(behind.state.alarm, /the clock of n1 is about 60 s behind/);
});

test('less than a quorum of clocks, and clocks that were told long ago, say nothing', () => {
  const far = { offsetMs: 60_000 };
  const alone = leaderOf({ n2: far, n3: { ...far, isUp: false }, n4: { ...far, isUp: false } });
  alone.look();
  assert.equal(alone.state.alarm, '');
  const peers = { n2: { ...far, isUp: true }, n3: { ...far, isUp: true } };
  const late = leaderOf(peers);
  late.vitals.look();
  peers.n2.isUp = false;
  peers.n3.isUp = false;
  late.state.nowMs += 5001;
  late.vitals.look();
  assert.equal(late.state.alarm, '');
});

test('who does not lead asks nobody and has no alarm of clocks', () => {
  const { look, state, raft } = leaderOf({
    n2: { offsetMs: 9000 },
    n3: { offsetMs: 0 },
  });
  look();
  assert.notEqual(state.alarm, '');
  state.role = 'follower';
  raft.reportStalled(nodeId('n2'), true);
  look();
  assert.equal(state.alarm, '');
  assert.ok(
    raft.followers.some(({ isStalled }) => isStalled),
    'nobody was asked',
  );
});

test('leadership goes to nobody whose database stood still for a second, and to who is wanted', () => {
  const n2: Peer = { offsetMs: 0, stalledMs: 1000 };
  const { look, raft, isUp } = leaderOf({ n2, n3: { offsetMs: 0, stalledMs: 999 } });
  look();
  const context = { raft, transport: { isUp } };
  assert.equal(heirOf(context), 'n3');
  assert.equal(
    heirOf(context, (name) => name === 'n2'),
    undefined,
  );
  n2.stalledMs = 0;
  look();
  assert.equal(
    heirOf(context, (name) => name === 'n2'),
    'n2',
  );
});

test('every call between peers has a number of its own', () => {
  const numbers = Object.values(peerCalls);
  assert.equal(new Set(numbers).size, numbers.length);
});

// Leadership that is given away: who asks learns of the next leader when there is one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeNameFrom } from '#identity/node-name.ts';
import { Office, type OfficeContext } from '#node/office.ts';
import { peerCalls } from '#node/peer-calls.ts';
import { nodeId } from '#raft/node-id.ts';

const self = nodeNameFrom('n1');

/** An office whose node hears of a leader only at the `heardAt`-th look at who leads. */
const officeOf = (heardAt: number) => {
  let looks = 0;
  let nowMs = 0;
  const raft = {
    get softState() {
      looks += 1;
      return { role: 'follower', ...(looks >= heardAt ? { leader: nodeId('n2') } : {}) };
    },
  };
  const context = {
    self,
    raft,
    monotonicMs: () => {
      nowMs += 1000;
      return nowMs;
    },
    stepDown: () => Promise.reject(new Error('a follower has nothing to give')),
  };
  return new Office(context as unknown as OfficeContext);
};

test('a node that just handed over waits to hear of the next leader before it leaves', async () => {
  assert.equal(await officeOf(4).lay(), 'n2');
});

test('when nobody takes the leadership in time, that is what it says', async () => {
  await assert.rejects(officeOf(1000).lay(), { code: 'no_leader' });
});

test('leadership that a node asks for goes the way of every other hand-over, which may refuse it', () => {
  const asked: string[] = [];
  const told: unknown[] = [];
  const context = {
    self,
    stepDown: (to: string, waitMs: number) => {
      asked.push(`${to} ${waitMs}`);
      return Promise.resolve({ kind: 'refused', code: 'not_ready', message: 'it lags' });
    },
    log: { info: (line: unknown) => told.push(line) },
  };
  const office = new Office(context as unknown as OfficeContext);
  let replied = false;
  assert.ok(
    office.answer(nodeNameFrom('n2'), peerCalls.handOver, Buffer.alloc(0), () => {
      replied = true;
    }),
  );
  assert.deepEqual([asked, replied, told], [['n2 0'], true, []]);
});

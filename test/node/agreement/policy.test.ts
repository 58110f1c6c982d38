// To whom a leader whose data is not right gives its office.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Policy, type PolicyOptions } from '#node/agreement/policy.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';

/** Whom a policy of leader n1 hands over to, of its voters n2 to n4 with logs that grow by name. */
const heirOf = (
  heirs: readonly string[],
  { stalled = '', quarantined = '', down = '' } = {},
): string | undefined => {
  let given: string | undefined;
  const followers = ['n2', 'n3', 'n4'].map((name, at) => ({
    node: nodeId(name),
    match: logIndex(at + 1),
    isStalled: name === stalled,
  }));
  const options = {
    raft: {
      membership: { voters: ['n1', 'n2', 'n3', 'n4'] },
      followers,
      transferLeadership: (to: string) => {
        given = to;
      },
    },
    transport: { isUp: (name: string) => name !== down },
    comparison: { isQuarantined: (name: string) => name === quarantined },
    drain: () => undefined,
  };
  new Policy(options as unknown as PolicyOptions).handOver(heirs);
  return given;
};

test('the office goes to the longest log of those who may have it', () => {
  assert.equal(heirOf(['n2', 'n3', 'n4']), 'n4');
  assert.equal(heirOf(['n1', 'n2', 'n3']), 'n3');
  assert.equal(heirOf(['n1']), undefined);
});

test('who is quarantined, not there or stands still behind its log is passed over', () => {
  for (const reason of ['stalled', 'quarantined', 'down']) {
    assert.equal(heirOf(['n3', 'n4'], { [reason]: 'n4' }), 'n3', reason);
    assert.equal(heirOf(['n4'], { [reason]: 'n4' }), undefined, reason);
  }
});

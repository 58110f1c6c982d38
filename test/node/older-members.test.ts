// A leader asks members whether they can read what it is about to write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OlderMembers } from '#node/transactions/older-members.ts';

test('members are asked until they say that they can; one that is down or says nothing counts as able', async () => {
  const formats = new Map<string, number | undefined>([
    ['n2', undefined],
    ['n3', 4],
  ]);
  let asked: string[] = [];
  const up = new Set(['n2', 'n3']);
  const members = new OlderMembers({
    self: 'n1',
    format: 4,
    members: {
      all: ['n1', 'n2', 'n3', 'n4'].map((name) => ({ name, apiUrl: '', peerAddress: '' })),
    } as never,
    transport: {
      isUp: (name) => up.has(name),
      call: (name, _method, _payload, _deadlineMs, done) => {
        asked.push(name);
        const commandFormat = formats.get(name);
        const said = {
          version: '1',
          apiUrl: '',
          ...(commandFormat === undefined ? {} : { commandFormat }),
        };
        done({ kind: 'reply', payload: Buffer.from(JSON.stringify(said)) });
      },
    },
  });
  assert.equal(await members.find(), 'n2');
  assert.deepEqual(asked, ['n2', 'n3']);
  formats.set('n2', 4);
  asked = [];
  assert.equal(await members.find(), undefined);
  assert.deepEqual(asked, ['n2']);
  asked = [];
  assert.equal(await members.find(), undefined);
  assert.deepEqual(asked, []);
});

// A write that is ended while it is tried out, or waits for that, is refused and not proposed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCommand } from '#command/command-codec.ts';
import { createLogger } from '#node/logger.ts';
import { Penalties } from '#node/penalties.ts';
import { refused } from '#node/proposals.ts';
import { Rehearsals, type RehearsingWriter } from '#node/rehearsals.ts';

const proposalOf = (requestId: string) => ({
  command: encodeCommand({
    texts: ['DELETE FROM t'],
    statements: [{ text: 0, positional: [], named: [] }],
    transaction: false,
    schemaIndex: 1,
    changesSchema: false,
    user: 'ada',
    requestId,
  }),
  render: 1,
  schemaIndex: 1,
  changesSchema: false,
  rehearse: true,
  frees: false,
});

test('of the writes that are tried out exactly the one that is ended is refused, running or waiting', () => {
  const ends: ((ended: boolean) => void)[] = [];
  const writer: RehearsingWriter = {
    rehearse: (_data, started, done) => {
      started();
      ends.push(done);
    },
    abandon: () => assert.fail('nothing passed its deadline'),
  };
  const rehearsals = new Rehearsals({
    writer: () => writer,
    open: () => true,
    afterwards: () => {},
    seed: () => new Uint8Array(16),
    wallMs: () => 0,
    now: () => 0,
    penalties: new Penalties(() => 0),
    log: createLogger('error', 'json', { node: 'test', part: 'node' }),
  });
  const said: string[] = [];
  for (const id of ['r1', 'r2', 'r3']) {
    rehearsals.admit(
      proposalOf(id),
      ({ code, applied }) => said.push(`${id} ${code} ${applied}`),
      () => said.push(`${id} proposed`),
    );
  }
  assert.deepEqual([...rehearsals.requestIds()], ['r1', 'r2', 'r3']);
  const why = refused('killed', 'ended');
  assert.equal(rehearsals.kill('r', why), false);
  assert.equal(rehearsals.kill('', why), false);
  assert.equal(rehearsals.kill('r2', why), true);
  assert.equal(rehearsals.kill('r1', why), true);
  assert.deepEqual(said, ['r2 killed no', 'r1 killed no']);
  // The writer comes to its end all the same: nothing is proposed of it.
  ends[0]?.(true);
  assert.deepEqual(said, ['r2 killed no', 'r1 killed no']);
  assert.deepEqual([...rehearsals.requestIds()], ['r3']);
});

test('of a user whose write was killed none is tried that came along with it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let [tried, killed] = [0, 0];
  let end: (ended: boolean) => void = () => undefined;
  const rehearsals = new Rehearsals({
    writer: () => ({
      rehearse: (_data, started, done) => {
        tried += 1;
        end = done;
        started();
      },
      abandon: () => {
        killed += 1;
        end(false);
      },
    }),
    open: () => true,
    afterwards: () => {},
    seed: () => new Uint8Array(16),
    wallMs: () => 0,
    now: () => 0,
    penalties: new Penalties(() => 0),
    log: createLogger('fatal', 'json', { node: 'test', part: 'node' }),
  });
  const said: string[] = [];
  for (const id of ['r1', 'r2', 'r3']) {
    rehearsals.admit(
      proposalOf(id),
      ({ code }) => said.push(`${id} ${code}`),
      () => said.push(`${id} proposed`),
    );
  }
  t.mock.timers.tick(500);
  t.mock.timers.tick(2000);
  assert.deepEqual(
    said,
    ['r1', 'r2', 'r3'].map((id) => `${id} statement_too_expensive`),
  );
  assert.deepEqual([tried, killed], [1, 1]);
});

// Real nodes over a network that breaks: partitions with and without a word, connections that are
// reset, delayed and overtake each other, while clients write and read on every node. Nothing that
// was acknowledged is lost, nothing is done twice, no linearizable read is stale.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from './cluster.ts';
import { canTellDiallers } from './peer-proxy.ts';
import { type ProxiedCluster, startProxiedCluster } from './proxied-cluster.ts';
import { RecordedLoad } from './recorded-load.ts';

const { STOCKADE_LONG_TESTS: long } = process.env;

/** Operations of each kind that must complete in each weather. */
const more = 20;

const lastSeen = encodeURIComponent('SELECT word FROM seen ORDER BY rowid DESC LIMIT 1');

/** One run: the cluster, its load, and what may be done to its network. */
class Troubled {
  readonly #t: TestContext;
  readonly #running: ProxiedCluster;
  readonly #load: RecordedLoad;
  readonly #nodes: readonly number[];

  constructor(t: TestContext, running: ProxiedCluster, load: RecordedLoad) {
    this.#t = t;
    this.#running = running;
    this.#load = load;
    this.#nodes = running.cluster.file.nodes.map((_, at) => at);
  }

  /** The leader that a node sees, other than `not`. */
  leader(seenBy: number, not?: number): Promise<number> {
    return eventually('somebody leads', async () => {
      const at = await this.#running.cluster.leader(seenBy);
      return at === undefined || at === not ? undefined : { at };
    }).then(({ at }) => at);
  }

  /**
   * The leader is parted from everybody, with connections that end (`cut`) or with bytes that just
   * stop (`stall`); the others go on without it, and it comes back.
   */
  async partLeader(how: 'cut' | 'stall'): Promise<void> {
    const { proxy } = this.#running;
    const leader = await this.leader(0);
    await this.#during(`the leader is parted (${how})`, async () => {
      for (const other of this.#nodes.filter((at) => at !== leader)) {
        proxy[how](leader, other);
        proxy[how](other, leader);
      }
      await this.leader(this.#other(leader), leader);
    });
    // What was stalled arrives now, from a term that is over.
    await eventually('the old leader follows', async () => {
      const seen = await this.#running.cluster.leader(leader);
      return seen !== undefined && seen !== leader;
    });
  }

  /**
   * The leader stands still, parted from everybody, until another one has acknowledged a write,
   * then goes on, still parted: for an election time-out it has no sign that its office is over.
   * Only a round to a quorum keeps a linearizable read that it is asked for just then from the
   * past.
   */
  async wakeUpParted(): Promise<void> {
    const { cluster, proxy } = this.#running;
    const leader = await this.leader(0);
    const other = this.#other(leader);
    const pid = cluster.file.nodes[leader]?.pid ?? 0;
    assert.notEqual(pid, 0);
    await this.#write(other, 'before');
    await this.#during('the leader stands still, parted', async () => {
      process.kill(pid, 'SIGSTOP');
      try {
        for (const at of this.#nodes.filter((node) => node !== leader)) {
          proxy.stall(leader, at);
          proxy.stall(at, leader);
        }
        await this.leader(other, leader);
        await this.#write(other, 'after');
        const read = cluster.ask(leader, `/db/query?level=linearizable&q=${lastSeen}`);
        process.kill(pid, 'SIGCONT');
        await eventually('it leads no more', async () => {
          const seen = await cluster.leader(leader);
          return seen !== leader;
        });
        proxy.heal();
        const { status, text } = await read;
        this.#t.diagnostic(`the read of the leader that woke up: ${status}`);
        if (status === 200) assert.match(text, /"after"/);
        else assert.match(text, /"code":"(not_leader|no_leader|timeout|unreachable|stale_read)"/);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    });
  }

  /** Writes what a read must see from now on. */
  async #write(at: number, word: string): Promise<void> {
    const { cluster } = this.#running;
    await eventually(`${word} is written`, async () => {
      const body = JSON.stringify([
        'CREATE TABLE IF NOT EXISTS seen (word)',
        ['INSERT INTO seen VALUES (?)', word],
      ]);
      const answer = await cluster.ask(at, '/db/execute?transaction', { body });
      return answer.status === 200 && !answer.text.includes('"error"');
    });
  }

  /** As many nodes as a quorum can spare, the leader among them, are parted from the rest. */
  async split(): Promise<void> {
    const leader = await this.leader(0);
    const others = this.#nodes.filter((at) => at !== leader);
    const minority = [leader, ...others.slice(0, Math.floor((this.#nodes.length - 1) / 2) - 1)];
    const majority = this.#nodes.filter((at) => !minority.includes(at));
    await this.#during('the cluster is split', async () => {
      for (const one of minority) {
        for (const other of majority) {
          this.#running.proxy.cut(one, other);
          this.#running.proxy.cut(other, one);
        }
      }
      await this.leader(majority[0] ?? 0, leader);
    });
  }

  /** The leader's bytes reach one follower no more, while the follower's reach the leader. */
  async deafFollower(): Promise<void> {
    const leader = await this.leader(0);
    await this.#during('one direction is silent', () => {
      this.#running.proxy.stall(leader, this.#other(leader));
      return Promise.resolve();
    });
  }

  /** Everything is late, connections overtake each other, and some are reset all the time. */
  async storm(): Promise<void> {
    const { proxy } = this.#running;
    const { reset } = proxy.counts;
    await this.#during('everything is late and connections break', () => {
      for (const from of this.#nodes) for (const to of this.#nodes) proxy.delay(from, to, 60);
      const shaking = setInterval(() => proxy.shake(0.15), 150);
      return this.#load.goesOn('the storm', more).finally(() => clearInterval(shaking));
    });
    assert.ok(proxy.counts.reset > reset, 'connections were reset');
  }

  /** Everything heals, operations complete at every node, and the history is judged. */
  async end(): Promise<void> {
    const { cluster, proxy } = this.#running;
    await this.#load.goesOn('the network is whole', more);
    await this.#load.judge();
    const chains = await eventually('all nodes stand at one index', async () => {
      const found = await Promise.all(
        this.#nodes.map(async (at) => {
          const { json } = await cluster.ask(at, '/status');
          return (json as { readonly store: { readonly outcome_chain: unknown } }).store
            .outcome_chain;
        }),
      );
      const texts = new Set(found.map((chain) => JSON.stringify(chain)));
      return texts.size === 1 ? texts : undefined;
    });
    assert.equal(chains.size, 1);
    this.#t.diagnostic(JSON.stringify({ ...this.#load.counts, ...proxy.counts }));
  }

  #other(than: number): number {
    return (than + 1) % this.#nodes.length;
  }

  async #during(what: string, trouble: () => Promise<void>): Promise<void> {
    try {
      await trouble();
      await this.#load.goesOn(what, more);
    } finally {
      this.#running.proxy.heal();
    }
  }
}

const trouble = async (t: TestContext, count: number): Promise<Troubled> => {
  const running = await startProxiedCluster(count);
  t.after(() => running.remove());
  const load = await RecordedLoad.start(running.cluster, 4);
  t.after(() => load.stop());
  await load.goesOn('the network is whole', more);
  return new Troubled(t, running, load);
};

const skip = canTellDiallers ? false : 'the proxy asks /proc who dials';

test('three nodes, partitions and storms under load: the history is linearizable', {
  skip,
}, async (t) => {
  const troubled = await trouble(t, 3);
  await troubled.partLeader('cut');
  await troubled.partLeader('stall');
  await troubled.wakeUpParted();
  await troubled.deafFollower();
  await troubled.storm();
  await troubled.end();
});

const skipLong = long === undefined ? 'takes a minute: set STOCKADE_LONG_TESTS' : skip;

test('five nodes, ten rounds of partitions and storms under load: the history is linearizable', {
  skip: skipLong,
}, async (t) => {
  const troubled = await trouble(t, 5);
  for (let round = 0; round < 10; round++) {
    await troubled.partLeader(round % 2 === 0 ? 'cut' : 'stall');
    await troubled.split();
    await troubled.wakeUpParted();
    await troubled.deafFollower();
    await troubled.storm();
  }
  await troubled.end();
});

// Answers that a real rqlite cluster gave, against a real cluster of three nodes: what followers
// forward, where they redirect to, how leadership is handed over. Status, place and body count.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Answer, Cluster, eventually } from '../e2e/cluster.ts';
import { type VolatileRules, withoutVolatile } from './volatile-values.ts';

type Role = 'leader' | 'follower' | 'follower2';

interface Step {
  readonly role: Role;
  readonly eventuallyMs?: number;
  readonly changesLeader?: true;
  readonly compare?: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: { readonly text?: string };
  };
  readonly volatile?: VolatileRules;
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: { readonly text: string };
  };
}

interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly steps: readonly Step[];
}

interface Difference {
  readonly scenario: string;
  readonly step: number;
  readonly recorded: readonly [number, string | null, string];
  readonly actual: readonly [number, string | null, string];
}

const folder = join(import.meta.dirname, 'rqlite-cluster');
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const scenarios = readdirSync(folder).map((file) => read(join(folder, file)) as Scenario);
const meant = read(
  join(import.meta.dirname, 'expected-cluster-differences.json'),
) as readonly (Difference & { readonly reason: string })[];

/** Numbers of the nodes by their roles now. */
const rolesOf = async (cluster: Cluster): Promise<Readonly<Record<Role, number>>> => {
  const leader = await eventually('one leader that all know', async () => {
    const seen = await Promise.all([0, 1, 2].map((at) => cluster.leader(at)));
    const [first] = seen;
    const agreed = first !== undefined && seen.every((one) => one === first);
    return agreed ? { at: first } : undefined;
  });
  return { leader: leader.at, follower: (leader.at + 1) % 3, follower2: (leader.at + 2) % 3 };
};

const urlOf = (cluster: Cluster, at: number): string =>
  `https://127.0.0.1:${cluster.portBase + 10 * at}`;

const filled = (text: string, roles: Readonly<Record<Role, number>>, cluster: Cluster): string => {
  let result = text;
  for (const [role, at] of Object.entries(roles)) {
    result = result.replaceAll(`{{${role}.id}}`, `n${at + 1}`);
    result = result.replaceAll(`{{${role}}}`, urlOf(cluster, at));
  }
  return result;
};

const shown = (text: string, roles: Readonly<Record<Role, number>>, cluster: Cluster): string => {
  let result = text.replaceAll(/"requestId":"[^"]+"/g, '"requestId":"$id"');
  for (const [role, at] of Object.entries(roles)) {
    result = result.replaceAll(urlOf(cluster, at), `{{${role}}}`);
  }
  return result;
};

const bodyOf = (step: Step, text: string): string =>
  step.compare === undefined ? withoutVolatile(text, step.volatile ?? {}) : '';

const locationOf = ({ headers }: Answer): string | null =>
  typeof headers['location'] === 'string' ? headers['location'] : null;

for (const scenario of scenarios) {
  test(`${scenario.name}: ${scenario.title}`, async (context) => {
    const cluster = await Cluster.start(3);
    context.after(() => cluster.remove());
    let roles = await rolesOf(cluster);
    const found: Difference[] = [];
    for (const [at, step] of scenario.steps.entries()) {
      const { request, response } = step;
      const recorded = [
        response.status,
        response.headers['location'] ?? null,
        step.compare === undefined ? response.body.text : '',
      ] as const;
      const until = performance.now() + (step.eventuallyMs ?? 0);
      for (;;) {
        const text = request.body?.text;
        const body = text === undefined ? undefined : filled(text, roles, cluster);
        const answer = await cluster.ask(roles[step.role], filled(request.path, roles, cluster), {
          method: request.method,
          headers: { ...request.headers, 'content-length': String(Buffer.byteLength(body ?? '')) },
          ...(body === undefined ? {} : { body }),
        });
        const location = locationOf(answer);
        const actual = [
          answer.status,
          location === null ? null : shown(location, roles, cluster),
          bodyOf(step, shown(answer.text, roles, cluster)),
        ] as const;
        if (JSON.stringify(actual) === JSON.stringify(recorded)) break;
        if (performance.now() < until) continue;
        found.push({ scenario: scenario.name, step: at + 1, recorded, actual });
        break;
      }
      if (step.changesLeader) roles = await rolesOf(cluster);
    }
    const listed = meant
      .filter((entry) => entry.scenario === scenario.name)
      .map(({ reason: _reason, ...difference }) => difference);
    assert.deepEqual(found, listed);
  });
}

test('every expected difference of the cluster has a reason', () => {
  assert.ok(meant.every(({ reason }) => reason.length > 10));
});

// Answers that real rqlite nodes gave, against real nodes: what followers forward, where they
// redirect to, how leadership is handed over, what a node without a leader says, users across
// nodes, a read replica. Status, place and body count.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Answer, AskOptions } from '../e2e/ask.ts';
import { eventually } from '../e2e/cluster.ts';
import { type RecordedServer, startRecorded, usersOf } from './recorded-servers.ts';
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
    readonly body?: { readonly text?: string; readonly base64?: string };
    readonly user?: string;
    readonly password?: string;
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
  readonly configuration: string;
  readonly steps: readonly Step[];
}

/** Status, place and body. */
type Seen = readonly [number, string | null, string];

interface Difference {
  readonly step: number;
  readonly request: string;
  readonly recorded: Seen;
  readonly actual: Seen;
}

/** A difference that is meant: of one step, or (without a step) of all requests that fit. */
interface Meant {
  readonly scenario: string;
  readonly step?: number;
  /** What the request must fit: its method, a space, path and query. */
  readonly requestPattern?: string;
  readonly recorded?: Seen;
  readonly actual?: Seen;
  /** In place of `actual`: status and what the body must fit. */
  readonly actualPattern?: readonly [number, string];
  readonly reason: string;
}

const folder = join(import.meta.dirname, 'rqlite-cluster');
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const scenarios = readdirSync(folder).map((file) => read(join(folder, file)) as Scenario);
const meant = read(
  join(import.meta.dirname, 'expected-cluster-differences.json'),
) as readonly Meant[];
const used = new Set<Meant>();

/** Numbers of the nodes by their roles now; a node that knows no leader is asked in its place. */
const rolesOf = async ({ nodes, ask }: RecordedServer): Promise<Readonly<Record<Role, number>>> => {
  const all = Array.from({ length: nodes }, (_, at) => at);
  const leader = await eventually('one leader that all know', async () => {
    const seen = await Promise.all(
      all.map(async (at) => (await ask(at, '/status?key=store.leader.node_id', {})).text),
    );
    const [first = ''] = seen;
    if (!seen.every((one) => one === first)) return undefined;
    return { at: nodes === 1 ? 0 : Number(/\d+/.exec(first)?.[0] ?? 'NaN') - 1 };
  });
  assert.ok(leader.at >= 0);
  return { leader: leader.at, follower: (leader.at + 1) % 3, follower2: (leader.at + 2) % 3 };
};

const addressOf = (server: RecordedServer, at: number): string => `127.0.0.1:${server.portOf(at)}`;

type Roles = Readonly<Record<Role, number>>;

/** A recorded request with the names and addresses of here. */
const filled = (text: string, roles: Roles, server: RecordedServer): string => {
  let result = text.replaceAll(/"id":"([123])"/g, '"id":"n$1"');
  for (const [role, at] of Object.entries(roles)) {
    result = result.replaceAll(`{{${role}.id}}`, `n${at + 1}`);
    result = result.replaceAll(`{{${role}}}`, `https://${addressOf(server, at)}`);
  }
  return result;
};

/** An answer with the names and addresses of there. */
const shown = (text: string, roles: Roles, server: RecordedServer): string => {
  let result = text
    .replaceAll(/"requestId":"[^"]+"/g, '"requestId":"$id"')
    .replaceAll(/"n([123])"/g, '"$1"')
    // Without a majority it is one or the other, from moment to moment.
    .replaceAll('"Candidate"', '"Follower"');
  for (const [role, at] of Object.entries(roles)) {
    result = result.replaceAll(`https://${addressOf(server, at)}`, `{{${role}}}`);
    result = result.replaceAll(addressOf(server, at), `{{${role}.address}}`);
  }
  return result;
};

const bodyOf = (step: Step, text: string): string =>
  step.compare === undefined ? withoutVolatile(text, step.volatile ?? {}) : '';

const locationOf = ({ headers }: Answer): string | null =>
  typeof headers['location'] === 'string' ? headers['location'] : null;

/** As recorded where there were users; otherwise the administrator, who is the default. */
const userOf = ({ configuration }: Scenario, { request }: Step): Pick<AskOptions, 'user'> => {
  const users = usersOf(configuration);
  if (users === undefined) return {};
  const known = users.find(({ username }) => username === request.user);
  if (request.user === undefined) return { user: undefined };
  return { user: { name: request.user, password: request.password ?? known?.password ?? '' } };
};

const send = (
  server: RecordedServer,
  scenario: Scenario,
  step: Step,
  roles: Roles,
): Promise<Answer> => {
  const { request } = step;
  const { text, base64 } = request.body ?? {};
  const body =
    base64 === undefined
      ? text === undefined
        ? undefined
        : filled(text, roles, server)
      : Buffer.from(base64, 'base64');
  return server.ask(roles[step.role], filled(request.path, roles, server), {
    ...userOf(scenario, step),
    method: request.method,
    headers: { ...request.headers, 'content-length': String(Buffer.byteLength(body ?? '')) },
    ...(body === undefined ? {} : { body }),
  });
};

const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** Sends a step, and again while it may still become what was recorded. */
const differenceIn = async (
  server: RecordedServer,
  scenario: Scenario,
  at: number,
  roles: Roles,
): Promise<Difference | undefined> => {
  const step = scenario.steps[at];
  assert.ok(step !== undefined);
  const { request, response } = step;
  const recorded: Seen = [
    response.status,
    response.headers['location'] ?? null,
    step.compare === undefined ? response.body.text : '',
  ];
  const until = performance.now() + (step.eventuallyMs ?? 0);
  for (;;) {
    const answer = await send(server, scenario, step, roles);
    const location = locationOf(answer);
    const actual: Seen = [
      answer.status,
      location === null ? null : shown(location, roles, server),
      bodyOf(step, shown(answer.text, roles, server)),
    ];
    if (same(actual, recorded)) return undefined;
    if (performance.now() < until) continue;
    return { step: at + 1, request: `${request.method} ${request.path}`, recorded, actual };
  }
};

const fits = (rule: Meant, scenario: string, difference: Difference): boolean => {
  const { step, request, recorded, actual } = difference;
  if (rule.scenario !== scenario && rule.scenario !== '*') return false;
  if (rule.step !== undefined && rule.step !== step) return false;
  if (rule.requestPattern !== undefined && !new RegExp(rule.requestPattern, 'u').test(request)) {
    return false;
  }
  if (rule.recorded !== undefined && !same(rule.recorded, recorded)) return false;
  if (rule.actual !== undefined && !same(rule.actual, actual)) return false;
  const [status, pattern] = rule.actualPattern ?? [actual[0], ''];
  return status === actual[0] && new RegExp(pattern, 'su').test(actual[2]);
};

/** One after the other; where nothing can change, at once: each waits for a leader. */
const replay = async (
  server: RecordedServer,
  scenario: Scenario,
): Promise<readonly Difference[]> => {
  let roles = await rolesOf(server);
  const all = scenario.steps.map((_step, at) => at);
  if (scenario.configuration === 'no-leader') {
    const found = all.map((at) => differenceIn(server, scenario, at, roles));
    return (await Promise.all(found)).filter((difference) => difference !== undefined);
  }
  const found: Difference[] = [];
  for (const at of all) {
    const difference = await differenceIn(server, scenario, at, roles);
    if (difference !== undefined) found.push(difference);
    if (scenario.steps[at]?.changesLeader) roles = await rolesOf(server);
    // Who is asked to remove a member takes over the leadership: it is given back.
    if (scenario.steps[at]?.request.method === 'DELETE') await server.letLead(roles.leader);
  }
  return found;
};

for (const scenario of scenarios) {
  test(`${scenario.name}: ${scenario.title}`, async (context) => {
    const server = await startRecorded(scenario.configuration);
    context.after(() => server.remove());
    const unmeant: Difference[] = [];
    for (const difference of await replay(server, scenario)) {
      const rule = meant.find((entry) => fits(entry, scenario.name, difference));
      if (rule === undefined) unmeant.push(difference);
      else used.add(rule);
    }
    assert.deepEqual(unmeant, []);
  });
}

test('every expected difference of the cluster is there, and has a reason', () => {
  assert.deepEqual(
    meant.filter((rule) => !used.has(rule)),
    [],
  );
  assert.ok(meant.every(({ reason }) => reason.length > 10));
});

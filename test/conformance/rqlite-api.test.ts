// Answers that a real rqlite gave, request by request, against this front over real SQLite. Bodies
// are compared as text: order of keys, digits, escapes. What differs must be in
// expected-differences.json with its reason; what is there must differ.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hashPassword } from '#auth/password.ts';
import type { LocalBackend } from '../http/local-backend.ts';
import { type Answer, openTestFront, type TestFront } from '../http/test-front.ts';
import { type VolatileRules, withoutVolatile } from './volatile-values.ts';

interface Step {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: { readonly text?: string; readonly base64?: string };
    readonly user?: string;
    readonly password?: string;
  };
  /** Bodies of this step are not compared as text; here they are not compared at all. */
  readonly compare?: string;
  readonly volatile?: VolatileRules;
  /** The answer may take so long to become the recorded one. */
  readonly eventuallyMs?: number;
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

interface Difference {
  readonly what: string;
  readonly recorded: string | number | null;
  readonly actual: string | number | null;
}

/** A difference that is meant; a key that is absent fits everything. */
interface Meant extends Partial<Difference> {
  readonly scenario: string;
  readonly step?: number;
  readonly actualPattern?: string;
  /** What the request must fit: its method, a space, path and query. */
  readonly requestPattern?: string;
  readonly reason: string;
}

/** Compared both ways: what was recorded must be there, what was not must be absent. */
const comparedHeaders = [
  'content-type',
  'content-encoding',
  'location',
  'x-rqlite-version',
  'x-rqlite-served-by',
  'access-control-allow-origin',
  'access-control-allow-methods',
  'allow',
];

function memoized<Result>(make: (text: string) => Result): (text: string) => Result {
  const made = new Map<string, Result>();
  return (text) => {
    const known = made.get(text) ?? make(text);
    made.set(text, known);
    return known;
  };
}

const folder = join(import.meta.dirname, 'rqlite-api');
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const scenarios = readdirSync(folder)
  .flatMap((area) => readdirSync(join(folder, area)).map((file) => join(folder, area, file)))
  .map((path) => read(path) as Scenario);
const meant = read(join(import.meta.dirname, 'expected-differences.json')) as readonly Meant[];
const used = new Set<Meant>();
const advertised = '127.0.0.1:4001';

interface RecordedUser {
  readonly username: string;
  readonly password?: string;
  readonly perms: readonly string[];
}

interface Configuration {
  readonly flags?: readonly string[];
  readonly authFile?: readonly RecordedUser[];
}

const configurations = read(join(import.meta.dirname, 'configurations.json')) as Readonly<
  Record<string, Configuration>
>;

const hashed = memoized((password: string) => hashPassword(password, 10));

/** The recorded auth file with hashes in place of the passwords; `*` has none here. */
const authFileOf = (users: readonly RecordedUser[]): string =>
  JSON.stringify(
    users.map(({ username, password, perms }) =>
      username === '*' || password === undefined
        ? { username, perms }
        : { username, password: hashed(password), perms },
    ),
  );

const openFront = (context: TestContext, { configuration }: Scenario): Promise<TestFront> => {
  const { flags = [], authFile } = configurations[configuration] ?? {};
  const origin = flags[flags.indexOf('-http-allow-origin') + 1];
  return openTestFront(context, {
    foreignKeys: flags.includes('-fk'),
    anonymousPermissions: ['query', 'status', 'all'],
    ...(authFile === undefined ? {} : { authFile: authFileOf(authFile) }),
    front:
      flags.includes('-http-allow-origin') && origin !== undefined
        ? { allowOrigins: [origin] }
        : {},
  });
};

/** As a cluster of one node says these things. */
const actAsSingleNode = (backend: LocalBackend): void => {
  const alone = { name: '1', apiUrl: `https://${advertised}`, peerAddress: '127.0.0.1:4002' };
  backend.cluster = [
    {
      ...alone,
      version: '9.9.9',
      voter: true,
      reachable: true,
      leader: true,
      seconds: 0.0001,
      error: '',
    },
  ];
  backend.stepDown = (to) => {
    const self = to === '1';
    const known = self ? 'cannot step down to the current Leader' : 'node not found in cluster';
    const message = to === '' ? 'cannot find peer' : known;
    const code = to === '' ? 'unreachable' : 'bad_request';
    return Promise.resolve({ kind: 'refused', code, message, applied: 'no' });
  };
};

/** Credentials as recorded; where there were none because none were needed, the administrator's. */
const credentials = (
  { configuration }: Scenario,
  { request }: Step,
): { readonly user: string | undefined; readonly password?: string } => {
  const users = configurations[configuration]?.authFile;
  if (users === undefined) return { user: 'admin' };
  if (request.user === undefined) return { user: undefined };
  const known = users.find(({ username }) => username === request.user)?.password;
  return { user: request.user, password: request.password ?? known ?? '' };
};

const send = (front: TestFront, scenario: Scenario, step: Step): Promise<Answer> => {
  const { request } = step;
  const { text, base64 } = request.body ?? {};
  const body = base64 === undefined ? text : Buffer.from(base64, 'base64');
  const sent = { ...credentials(scenario, step), headers: request.headers ?? {} };
  return front.send(request.method, request.path, body === undefined ? sent : { ...sent, body });
};

const headerOf = (answer: Answer, name: string): string | null => {
  const value = answer.headers[name];
  if (value === undefined) return null;
  if (name === 'x-rqlite-version') return '$string';
  return String(value).replace(advertised, '{{leader.address}}');
};

const differencesOf = (step: Step, answer: Answer): readonly Difference[] => {
  const found: Difference[] = [];
  const compare = (what: string, recorded: Difference['recorded'], actual: typeof recorded) => {
    if (recorded !== actual) found.push({ what, recorded, actual });
  };
  compare('status', step.response.status, answer.status);
  for (const name of comparedHeaders) {
    compare(`header:${name}`, step.response.headers[name] ?? null, headerOf(answer, name));
  }
  const actual = withoutVolatile(answer.text, step.volatile ?? {}).replaceAll(
    `"https://${advertised}"`,
    '"{{leader}}"',
  );
  if (step.compare === undefined) compare('body', step.response.body.text, actual);
  return found;
};

/** Sends a step, and again while it may still become what was recorded. */
const differencesIn = async (
  front: TestFront,
  scenario: Scenario,
  step: Step,
): Promise<readonly Difference[]> => {
  const until = performance.now() + (step.eventuallyMs ?? 0);
  for (;;) {
    const found = differencesOf(step, await send(front, scenario, step));
    if (!found.some(({ what }) => what === 'body') || performance.now() >= until) return found;
  }
};

const isOf = (rule: Meant, scenario: string): boolean =>
  rule.scenario.endsWith('*')
    ? scenario.startsWith(rule.scenario.slice(0, -1))
    : rule.scenario === scenario;

const fits = (
  rule: Meant,
  scenario: string,
  step: number,
  request: string,
  difference: Difference,
): boolean =>
  isOf(rule, scenario) &&
  (rule.requestPattern === undefined || new RegExp(rule.requestPattern, 'u').test(request)) &&
  (rule.step === undefined || rule.step === step) &&
  rule.what === difference.what &&
  (rule.recorded === undefined || rule.recorded === difference.recorded) &&
  (rule.actual === undefined || rule.actual === difference.actual) &&
  (rule.actualPattern === undefined ||
    new RegExp(rule.actualPattern, 'su').test(String(difference.actual)));

for (const scenario of scenarios) {
  test(`${scenario.name}: ${scenario.title}`, async (context) => {
    const front = await openFront(context, scenario);
    actAsSingleNode(front.backend);
    const unmeant: object[] = [];
    for (const [at, step] of scenario.steps.entries()) {
      const request = `${step.request.method} ${step.request.path}`;
      for (const difference of await differencesIn(front, scenario, step)) {
        const rule = meant.find((entry) => fits(entry, scenario.name, at + 1, request, difference));
        if (rule === undefined) unmeant.push({ step: at + 1, ...difference });
        else used.add(rule);
      }
    }
    assert.deepEqual(unmeant, []);
  });
}

test('every expected difference is there, and has a reason', () => {
  const idle = meant.filter((rule) => !used.has(rule));
  assert.deepEqual(idle, []);
  assert.ok(meant.every(({ reason }) => reason.length > 10));
  assert.equal(
    scenarios.reduce((sum, { steps }) => sum + steps.length, 0),
    1288,
  );
});

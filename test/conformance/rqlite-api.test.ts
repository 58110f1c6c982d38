// Answers that a real rqlite gave, request by request, against this front over real SQLite. Bodies
// are compared as text: order of keys, digits, escapes. What differs must be in
// expected-differences.json with its reason; what is there must differ.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Answer, openTestFront, type TestFront } from '../http/test-front.ts';
import { type VolatileRules, withoutVolatile } from './volatile-values.ts';

interface Step {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: { readonly text?: string; readonly base64?: string };
  };
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

const folder = join(import.meta.dirname, 'rqlite-api');
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const scenarios = readdirSync(folder)
  .flatMap((area) => readdirSync(join(folder, area)).map((file) => join(folder, area, file)))
  .map((path) => read(path) as Scenario);
const meant = read(join(import.meta.dirname, 'expected-differences.json')) as readonly Meant[];
const used = new Set<Meant>();
const advertised = '127.0.0.1:4001';

const send = (front: TestFront, { request }: Step): Promise<Answer> => {
  const { text, base64 } = request.body ?? {};
  const body = base64 === undefined ? text : Buffer.from(base64, 'base64');
  const sent = { user: 'admin', headers: request.headers ?? {} };
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
  const actual = withoutVolatile(answer.text, step.volatile ?? {});
  compare('body', step.response.body.text, actual);
  return found;
};

/** Sends a step, and again while it may still become what was recorded. */
const differencesIn = async (front: TestFront, step: Step): Promise<readonly Difference[]> => {
  const until = performance.now() + (step.eventuallyMs ?? 0);
  for (;;) {
    const found = differencesOf(step, await send(front, step));
    if (!found.some(({ what }) => what === 'body') || performance.now() >= until) return found;
  }
};

const fits = (rule: Meant, scenario: string, step: number, difference: Difference): boolean =>
  (rule.scenario === '*' || rule.scenario === scenario) &&
  (rule.step === undefined || rule.step === step) &&
  rule.what === difference.what &&
  (rule.recorded === undefined || rule.recorded === difference.recorded) &&
  (rule.actual === undefined || rule.actual === difference.actual) &&
  (rule.actualPattern === undefined ||
    new RegExp(rule.actualPattern, 'su').test(String(difference.actual)));

for (const scenario of scenarios) {
  test(`${scenario.name}: ${scenario.title}`, async (context) => {
    const front = await openTestFront(context, {
      foreignKeys: scenario.configuration === 'single-fk',
    });
    const unmeant: object[] = [];
    for (const [at, step] of scenario.steps.entries()) {
      for (const difference of await differencesIn(front, step)) {
        const rule = meant.find((entry) => fits(entry, scenario.name, at + 1, difference));
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
    602,
  );
});

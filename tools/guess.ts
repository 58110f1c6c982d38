// Guesses passwords at a server as fast as it is told to, while one user who is known goes on with
// its work and another logs in anew: how slow the guesser gets, and whether the others notice.
//
//   node tools/guess.ts --url https://127.0.0.1:4001 --ca https-ca.crt --user admin \
//     --password-file admin.password --rate 1000 --seconds 60
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    ca: { type: 'string' },
    user: { type: 'string', default: 'admin' },
    'password-file': { type: 'string' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '60' },
  },
});
const required = (name: 'url' | 'ca' | 'password-file'): string => {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
};
const url = new URL(required('url'));
const ca = readFileSync(required('ca'));
const password = readFileSync(required('password-file'), 'utf8').trim();
const { user } = values;
const rate = Number(values.rate);
const seconds = Number(values.seconds);

/** On Linux all of 127/8 is this machine: the guesser and the others come from different ones. */
const agentFrom = (localAddress: string, maxSockets: number): Agent =>
  new Agent({ keepAlive: true, ca, maxSockets, localAddress });
const guesser = agentFrom('127.0.0.2', 32);
const worker = agentFrom('127.0.0.1', 1);

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}

const ask = (
  agent: Agent,
  path: string,
  name: string,
  secret: string,
  scheme = 'Basic',
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const authorization = `${scheme} ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
    const sent = request(
      { agent, host: url.hostname, port: url.port, path, headers: { authorization } },
      (incoming) => {
        let text = '';
        incoming.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, text, ms: performance.now() - started });
        });
        incoming.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end();
  });

const termNow = async (): Promise<number> => {
  const { text } = await ask(worker, '/status', user, password);
  const found = /"(?:current_)?term":(\d+)/.exec(text)?.[1];
  return Number(found);
};

const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

const shown = (times: readonly number[]): { readonly p50: number; readonly p99: number } => {
  const sorted = times.toSorted((left, right) => left - right);
  const of = (part: number): number => Number(percentile(sorted, part).toFixed(2));
  return { p50: of(0.5), p99: of(0.99) };
};

/** The known user asks one thing after the other until told to stop. */
const work = async (until: () => boolean): Promise<{ times: number[]; refused: number }> => {
  const times: number[] = [];
  let refused = 0;
  while (!until()) {
    const { status, ms } = await ask(worker, '/db/query?q=SELECT+1', user, password);
    times.push(ms);
    if (status !== 200) refused += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return { times, refused };
};

const idleUntil = performance.now() + Math.min(3000, seconds * 1000);
const before = await termNow();
const idle = await work(() => performance.now() > idleUntil);

const statuses = new Map<number, number>();
let open = 0;
let sent = 0;
const started = performance.now();
const over = (): boolean => performance.now() - started > seconds * 1000;
const guessing = setInterval(() => {
  const due = Math.min(rate * seconds, ((performance.now() - started) / 1000) * rate);
  // No more under way than a guesser's machine could hold; what it cannot send counts as slowed.
  while (sent < due && open < 512) {
    sent += 1;
    open += 1;
    // Half of them at one known user, half at names that may exist.
    const name = sent % 2 === 0 ? user : `user-${sent}`;
    ask(guesser, '/whoami', name, `guess ${sent}`)
      .then(
        ({ status }) => statuses.set(status, (statuses.get(status) ?? 0) + 1),
        () => statuses.set(0, (statuses.get(0) ?? 0) + 1),
      )
      .finally(() => {
        open -= 1;
      });
  }
}, 5);
const newcomer = agentFrom('127.0.0.3', 1);
const login = new Promise<Answered>((resolve, reject) => {
  setTimeout(() => {
    // Written otherwise it is not the remembered header: it has to be proved anew.
    ask(newcomer, '/whoami', user, password, 'BASIC').then(resolve, reject);
  }, 1000);
});
const busy = await work(over);
clearInterval(guessing);
const loggedIn = await login;
while (open > 0) await new Promise((resolve) => setTimeout(resolve, 10));
const after = await termNow();
for (const agent of [guesser, worker, newcomer]) agent.destroy();

const report = {
  seconds,
  guesses: sent,
  perSecond: Math.round(sent / seconds),
  // How many were compared with a hash at all: the others were told to wait.
  compared: statuses.get(401) ?? 0,
  toldToWait: statuses.get(429) ?? 0,
  failed: statuses.get(0) ?? 0,
  known: { requests: busy.times.length, refused: busy.refused, ms: shown(busy.times) },
  knownWhenIdle: { requests: idle.times.length, ms: shown(idle.times) },
  newcomer: { status: loggedIn.status, ms: Math.round(loggedIn.ms) },
  terms: [before, after],
};
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);

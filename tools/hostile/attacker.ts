// One attack in a process of its own, so that what it costs its machine is not taken for waiting of
// the honest user. Told what to do by one JSON argument; ends when its input ends, and says then
// what came of it.
import { readFileSync } from 'node:fs';
import { attacks, Tally } from './attacks.ts';

interface Orders {
  readonly name: string;
  readonly port: number;
  readonly ca: string;
  /** A file: not in the arguments, which others see. */
  readonly passwordFile: string;
  readonly user: string;
  readonly connections: number;
}

const orders = JSON.parse(process.argv[2] ?? '{}') as Orders;
const attack = attacks.find(({ name }) => name === orders.name);
if (attack === undefined) throw new Error(`there is no attack ${orders.name}`);
const password = readFileSync(orders.passwordFile, 'utf8').trim();
const stop = new AbortController();
process.stdin.on('data', () => undefined);
process.stdin.on('end', () => stop.abort());
const tally = new Tally();
const { port, connections } = orders;
const credentials = `Basic ${Buffer.from(`${orders.user}:${password}`).toString('base64')}`;
const target = { port, connections, credentials, ca: readFileSync(orders.ca) };
await attack.run(target, tally, stop.signal);
tally.closeAll();
const report = {
  connections: tally.opened,
  heldMax: tally.heldMax,
  sentMib: Math.round(tally.sentBytes / 1024 ** 2),
  answers: Object.fromEntries(tally.answers),
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));

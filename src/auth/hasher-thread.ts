// The thread that compares passwords with bcrypt hashes: a third of a second of pure computing
// each, which no other thread waits for. It holds nothing but the job at hand.
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

parentPort?.on('message', (job: { readonly password: string; readonly hash: string }) => {
  parentPort?.postMessage(compareSync(job.password, job.hash));
});

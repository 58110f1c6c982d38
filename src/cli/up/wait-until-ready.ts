// Waits until a node of `stockade up` serves: asks its /readyz over HTTPS, trusting its CA only.
import { request } from 'node:https';

/** One question; false for every answer but 200 and for every error. */
const askReady = (port: number, ca: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request(
      { host: '127.0.0.1', port, path: '/readyz', method: 'GET', ca, timeout: 2000, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });

const askEveryMs = 50;

/** Resolves true when the node serves, false when `given up` says so first. */
export const waitUntilReady = async (
  port: number,
  ca: string,
  givenUp: () => boolean,
): Promise<boolean> => {
  while (!givenUp()) {
    if (await askReady(port, ca)) return true;
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  return false;
};

// Requests to the server that this page came from, and to no other. The browser adds the
// credentials; the page never sees them.
import { areReads, faultText } from './present.js';

/** @typedef {import('./present.js').Answer} Answer */

/**
 * Sends a request. Who cannot be reached is an answer too, of status 0.
 *
 * @param {string} path
 * @param {{ method?: string, body?: BodyInit, type?: string, key?: string }} sent
 * @returns {Promise<Answer>}
 */
export const ask = async (path, { method = 'GET', body, type, key } = {}) => {
  /** @type {Record<string, string>} */
  const headers = {};
  if (type !== undefined) headers['Content-Type'] = type;
  if (key !== undefined) headers['Idempotency-Key'] = key;
  try {
    // The mode stays `cors`: with another one and without a referrer the browser would send
    // `Origin: null`, which the server takes for another site's.
    // Not relative to the page, whose address may hold a login that must not be sent this way.
    const response = await fetch(`${location.origin}${path}`, {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const applied = method === 'GET' ? {} : { applied: 'unknown' };
    const text = { error: `The server does not answer: ${why}`, code: 'no_answer', ...applied };
    return { status: 0, text: JSON.stringify(text) };
  }
};

/**
 * The JSON of an answer to a GET, or why there is none.
 *
 * @param {string} path
 * @returns {Promise<{ value: unknown, fault: string }>}
 */
export const askJson = async (path) => {
  const answer = await ask(path);
  return answer.status === 200
    ? { value: JSON.parse(answer.text), fault: '' }
    : { value: undefined, fault: faultText(answer) };
};

/**
 * Runs statements.
 *
 * @param {string} path
 * @param {readonly string[]} statements
 * @param {{ level: string, transaction?: boolean }} wishes
 * @returns {Promise<Answer>}
 */
export const run = (path, statements, { level, transaction = false }) => {
  const flags = transaction ? '&transaction' : '';
  const query = `timings&blob_array&level=${encodeURIComponent(level)}${flags}`;
  // A browser may send a request again by itself when its connection breaks: under one key a write
  // is done once. Reads need none, and without one each statement is told its time.
  const key = path === '/db/query' || areReads(statements) ? {} : { key: crypto.randomUUID() };
  const body = JSON.stringify(statements);
  return ask(`${path}?${query}`, { method: 'POST', body, type: 'application/json', ...key });
};

// The web console: the way to it, its page, and the files of the page. `/` and `/console` lead
// there without credentials, as in rqlite: whoever follows is asked for them, and that there is a
// console at this address is no secret.
import { CodedError } from '#errors.ts';
import { isCurrent } from '#http/console-files.ts';
import type { Exchange } from '#http/exchange.ts';
import type { OrdinaryAnswer, OrdinaryRoute } from '#http/route.ts';
import type { Services } from '#http/services.ts';

const place = '/console/';

const common = {
  kind: 'ordinary',
  methods: ['GET', 'HEAD'],
  changes: false,
  media: [],
} as const;

/** As Go's net/http writes it. */
const leadThere = (status: number, name: string): Promise<OrdinaryAnswer> =>
  Promise.resolve({
    status,
    contentType: 'text/html; charset=utf-8',
    body: `<a href="${place}">${name}</a>.\n\n`,
    headers: ['Location', place],
  });

/** From the root. */
export const root: OrdinaryRoute = {
  ...common,
  path: '/',
  permissions: [],
  anonymous: true,
  about: {
    summary: 'Leads to the web console.',
    parameters: [],
    answers: { 302: 'page' },
    errors: [],
  },
  handle: () => leadThere(302, 'Found'),
};

/** From the path without its slash. */
export const consoleWithoutSlash: OrdinaryRoute = {
  ...common,
  path: '/console',
  permissions: [],
  anonymous: true,
  about: {
    summary: 'Leads to the web console.',
    parameters: [],
    answers: { 301: 'page' },
    errors: [],
  },
  handle: () => leadThere(301, 'Moved Permanently'),
};

const fileAnswer = ({ path, message }: Exchange, { consoleFiles }: Services): OrdinaryAnswer => {
  const file = consoleFiles.get(path.slice(place.length));
  if (file === undefined) throw new CodedError('not_found', 'There is no such file');
  const { etag, contentType, body } = file;
  const headers = ['ETag', etag];
  return isCurrent(message.headers['if-none-match'], etag)
    ? { status: 304, contentType: '', body: '', headers, page: true }
    : { status: 200, contentType, body, headers, page: true };
};

/** The page. */
export const consolePage: OrdinaryRoute = {
  ...common,
  path: place,
  permissions: ['ui'],
  anonymous: false,
  about: {
    summary: 'The web console.',
    parameters: [],
    answers: { 200: 'page', 304: 'none' },
    errors: [],
  },
  handle: async (exchange, services) => fileAnswer(exchange, services),
};

/** Its files. */
export const consoleFile: OrdinaryRoute = {
  ...common,
  path: `${place}:id`,
  permissions: ['ui'],
  anonymous: false,
  about: {
    summary: 'A script, a style sheet or a picture of the web console.',
    parameters: [],
    answers: { 200: 'asset', 304: 'none' },
    errors: ['not_found'],
  },
  handle: async (exchange, services) => fileAnswer(exchange, services),
};

// What a route is: its path, its method, who may call it and how it answers. The table of all
// routes is data, so that tests can walk it.
import type { Permission } from '#auth/permission.ts';
import type { ByteSource } from './backend.ts';
import type { Exchange } from './exchange.ts';
import { prettyJson } from './go-json.ts';
import type { RouteAbout } from './route-about.ts';
import type { Services } from './services.ts';

declare global {
  interface JSON {
    /** A value that is written as this text, which must be JSON of a scalar. */
    rawJSON(text: string): object;
  }
}

/** What an ordinary route answers with; headers common to all are added on the way out. */
export interface OrdinaryAnswer {
  readonly status: number;
  readonly contentType: string;
  /** A text, or bytes that are sent as they are made. */
  readonly body: string | ByteSource;
  /** Further headers, a flat list of names and values. */
  readonly headers?: readonly string[];
  /** Part of the web console: with the security headers of a page, and to be kept by browsers. */
  readonly page?: true;
}

interface RouteBase {
  readonly path: string;
  readonly methods: readonly ('GET' | 'HEAD' | 'POST' | 'DELETE')[];
  /** All of these are needed; an empty list asks for valid credentials only. */
  readonly permissions: readonly Permission[];
  /** Whether requests without any credentials are answered too (with less in the answer). */
  readonly anonymous: boolean;
  /** Whether a request can change data or the cluster: other sites' pages may not send it. */
  readonly changes: boolean;
  /** Media types of a body; a body without a type counts as JSON. Empty: the route reads none. */
  readonly media: readonly string[];
  /** For those who call it. */
  readonly about: RouteAbout;
}

/** A route on the path of data: answers by itself, in batches, through the exchange. */
export interface DataRoute extends RouteBase {
  readonly kind: 'data';
  /** `body` is empty for a GET. Must answer the exchange once, now or later. */
  readonly handle: (exchange: Exchange, body: Buffer, services: Services) => void;
}

/** A route that is asked now and then: answers through fastify. */
export interface OrdinaryRoute extends RouteBase {
  readonly kind: 'ordinary';
  readonly handle: (
    exchange: Exchange,
    services: Services,
    body: Buffer,
  ) => Promise<OrdinaryAnswer>;
}

/** An ordinary route that reads its body by itself, as it arrives. */
export interface StreamedRoute extends RouteBase {
  readonly kind: 'streamed';
  readonly handle: (exchange: Exchange, services: Services) => Promise<OrdinaryAnswer>;
}

/** Any route. */
export type Route = DataRoute | OrdinaryRoute | StreamedRoute;

/** Whether a request of this method brings no body that anybody reads. */
export const isBodyless = (method: string | undefined): boolean =>
  method === 'GET' || method === 'HEAD';

/** An ordinary answer with a JSON value; a Map becomes an object in the map's order. */
export const jsonAnswer = (value: unknown, pretty: boolean): OrdinaryAnswer => {
  const compact =
    value instanceof Map
      ? `{${[...value].map(([key, member]) => `${jsonText(key)}:${jsonText(member)}`).join(',')}}`
      : jsonText(value);
  return {
    status: 200,
    contentType: 'application/json; charset=utf-8',
    body: pretty ? prettyJson(compact) : compact,
  };
};

/** A bigint becomes a number with all its digits. */
const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? JSON.rawJSON(String(member)) : member,
  );

// GET /status: what this node says of itself: the backend's part and the front's own under `http`.
import { statusOfEnds } from '#http/certificate-ends.ts';
import { goDurationText } from '#http/go-duration.ts';
import type { WriteQueue } from '#http/queue/write-queue.ts';
import { jsonAnswer, type OrdinaryRoute } from '#http/route.ts';
import type { Services } from '#http/services.ts';

/** The route. */
export const status: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/status',
  methods: ['GET'],
  permissions: ['status'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'What this node says of itself.',
    parameters: ['key', 'pretty'],
    answers: { 200: 'status' },
    errors: [],
  },
  handle: async (exchange, services) => {
    const { key, pretty } = exchange.parameters;
    const document = withHttp(await services.backend.status(), services);
    if (key === undefined) return jsonAnswer(document, pretty);
    // As rqlite: a part is never laid out, and its keys are sorted.
    return jsonAnswer(sorted(partOf(document, key.split('.'))), false);
  },
};

/** `http` stands behind `store`, where rqlite has it. */
const withHttp = (
  own: Record<string, unknown>,
  services: Services,
): Readonly<Record<string, unknown>> => {
  const http = {
    bind_addr: services.boundAddress(),
    auth: 'enabled',
    tls: { enabled: 'true' },
    ...allowedOrigins(services),
    queue: queueStatus(services.queue),
  };
  const entries = Object.entries(own).filter(([key]) => key !== 'http');
  const at = entries.findIndex(([key]) => key === 'store') + 1;
  const place = at === 0 ? entries.length : at;
  const ends = services.certificateEnds();
  const certificates = ends.length === 0 ? [] : [statusOfEnds(ends, services.wallMs())];
  return Object.fromEntries([
    ...entries.slice(0, place),
    ['http', http],
    ...entries.slice(place),
    ...certificates.map((value) => ['certificates', value] as const),
  ]);
};

/** rqlite shows its one origin when it has one. */
const allowedOrigins = ({ allowOrigins }: Services): Readonly<Record<string, string>> =>
  allowOrigins.size === 0 ? {} : { allow_origin: [...allowOrigins].join(',') };

/** `_default` has rqlite's keys; failures stand beside it, because clients compare. */
const queueStatus = (queue: WriteQueue): Readonly<Record<string, unknown>> => ({
  _default: {
    max_size: queue.settings.depth,
    batch_size: queue.settings.batch,
    timeout: goDurationText(queue.settings.timeoutMs),
    sequence_number: queue.writtenSequence,
  },
  waiting: queue.size,
  failures: queue.failures.map(({ sequence, code, message, applied }) => ({
    sequence_number: sequence,
    error: message,
    code,
    applied,
  })),
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a dotted path leads to: `{}` where it leads nowhere, a scalar where it leads past one. */
const partOf = (document: unknown, path: readonly string[]): unknown => {
  let part = document;
  for (const key of path) {
    if (!isObject(part)) return part;
    if (!Object.hasOwn(part, key)) return {};
    part = part[key];
  }
  return part;
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
};

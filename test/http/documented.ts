// Whether an answer is one that the API document tells of, body and all; asked of every answer that
// a test gets.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { apiDocument } from '#http/api-document.ts';
import type { Route } from '#http/route.ts';
import { errorAnswersOf } from '#http/route-about.ts';
import { routes } from '#http/route-table.ts';

const isPathOf = (path: string, asked = ''): boolean => {
  const parts = asked.split('/');
  const wanted = path.split('/');
  return (
    parts.length === wanted.length &&
    wanted.every((part, at) => (part === ':id' ? parts[at] !== '' : part === parts[at]))
  );
};

/** The route of a request; undefined when there is none. */
export const routeOf = (method: string, path: string): Route | undefined => {
  const [exact] = path.split('?');
  return routes.find(
    (route) => isPathOf(route.path, exact) && route.methods.some((known) => known === method),
  );
};

/** The code of an error's body; undefined when it is none. */
export const codeOf = (text: string): string | undefined =>
  /^\{"error":"(?:[^"\\]|\\.)*","code":"(\w+)"/.exec(text)?.[1];

/** An answer, as far as the document speaks of it. */
export interface Documentable {
  readonly status: number;
  readonly text: string;
  readonly type: string;
}

/** What of an answer is not documented, as a sentence; undefined when all of it is. */
export const undocumented = (
  method: string,
  path: string,
  answer: Documentable,
): string | undefined => {
  const { status, text } = answer;
  const route = routeOf(method, path);
  if (route === undefined) return undefined;
  const code = codeOf(text);
  const plain = route.about.answers[status] !== undefined;
  if (code === undefined && !plain && method !== 'HEAD') {
    return `${method} ${path} answered ${status}: ${text.slice(0, 200)}`;
  }
  const codes = errorAnswersOf(route).get(status);
  // The answer to a HEAD says no code.
  const known = codes?.some((one) => one === code || (method === 'HEAD' && text === '')) === true;
  if (!known && !plain) return `${method} ${path} answered ${status} ${code ?? ''}`;
  return bodyFault(route, method, path, answer);
};

interface Response {
  readonly content?: Readonly<Record<string, object>>;
}

const document = apiDocument(routes, '0.0.0') as {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>
    >
  >;
};
const ajv = new Ajv2020({ strictTypes: false, strictTuples: false, formats: { binary: true } });
ajv.addVocabulary(['components', 'info', 'openapi', 'paths']);
ajv.addSchema(document, 'document');
const validators = new Map<string, ValidateFunction>();

/** The part of the document at a path of keys, as a JSON pointer in a fragment. */
const pointer = (keys: readonly string[]): string =>
  keys
    .map((key) => `/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
    .join('');

const validatorAt = (keys: readonly string[]): ValidateFunction => {
  const at = `document#${pointer(keys)}`;
  const known = validators.get(at) ?? ajv.compile({ $ref: at });
  validators.set(at, known);
  return known;
};

const bodyFault = (
  route: Route,
  method: string,
  path: string,
  { status, text, type }: Documentable,
): string | undefined => {
  const name = route.path.replace(':id', '{id}');
  const content = document.paths[name]?.[method.toLowerCase()]?.responses[String(status)]?.content;
  const said = `${method} ${path} answered ${status}`;
  const media = type.split(';')[0] ?? '';
  if (text === '') return undefined;
  if (content?.[media] === undefined) return `${said} with a body of type ${type}`;
  if (media !== 'application/json') return undefined;
  const keys = ['paths', name, method.toLowerCase(), 'responses', String(status), 'content'];
  const validate = validatorAt([...keys, media, 'schema']);
  if (validate(JSON.parse(text))) return undefined;
  return `${said}: ${ajv.errorsText(validate.errors)}: ${text.slice(0, 300)}`;
};

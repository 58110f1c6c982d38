// Whether an answer is one that the API document tells of; asked of every answer that a test gets.
import type { Route } from '#http/route.ts';
import { errorAnswersOf } from '#http/route-about.ts';
import { routes } from '#http/route-table.ts';

const isPathOf = (path: string, asked: string | undefined): boolean =>
  path.endsWith('/:id')
    ? asked?.replace(/[^/]+$/, ':id') === path && asked !== path.slice(0, -3)
    : path === asked;

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

/** What of an answer is not documented, as a sentence; undefined when all of it is. */
export const undocumented = (
  method: string,
  path: string,
  { status, text }: { readonly status: number; readonly text: string },
): string | undefined => {
  const route = routeOf(method, path);
  if (route === undefined) return undefined;
  const code = codeOf(text);
  const plain = route.about.answers[status] !== undefined;
  if (code === undefined) {
    return plain ? undefined : `${method} ${path} answered ${status}: ${text.slice(0, 200)}`;
  }
  const known =
    errorAnswersOf(route)
      .get(status)
      ?.some((one) => one === code) === true;
  return known || plain ? undefined : `${method} ${path} answered ${status} ${code}`;
};

// GET /openapi.json: the API as a document that programs read.
import { apiDocument } from '#http/api-document.ts';
import { jsonAnswer, type OrdinaryRoute, type Route } from '#http/route.ts';

/** The route, which tells of all the others and of itself. */
export const openapiFor = (others: readonly Route[]): OrdinaryRoute => {
  const route: OrdinaryRoute = {
    kind: 'ordinary',
    path: '/openapi.json',
    methods: ['GET'],
    permissions: [],
    anonymous: false,
    changes: false,
    media: [],
    about: {
      summary: 'The API as an OpenAPI document.',
      parameters: ['pretty'],
      answers: { 200: 'document' },
      errors: [],
    },
    handle: ({ parameters }, { version }) =>
      Promise.resolve(jsonAnswer(apiDocument([...others, route], version), parameters.pretty)),
  };
  return route;
};

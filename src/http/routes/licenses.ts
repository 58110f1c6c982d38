// GET /licenses: this program's license and those of the packages in it.
import { licenses as ofPackages } from '#http/licenses.ts';
import type { OrdinaryRoute } from '#http/route.ts';

const heading =
  'Stockade stands under the MIT license: see its file LICENSE. It holds these packages, whose full license texts are in their folders of node_modules:';

const text = [
  heading,
  '',
  ...Object.entries(ofPackages).map(([name, license]) => `${name}: ${license}`),
  '',
].join('\n');

/** The route. */
export const licenses: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/licenses',
  methods: ['GET'],
  permissions: ['status'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'The licenses of the packages inside.',
    parameters: [],
    answers: { 200: 'text' },
    errors: [],
  },
  handle: () =>
    Promise.resolve({ status: 200, contentType: 'text/plain; charset=utf-8', body: text }),
};

// Signatures: the examples of the documentation of S3 ("Examples: Signature Calculations in AWS
// Signature Version 4"), with the key, the date and the bucket that it uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodedPath, encodedQuery, signedHeaders, type Unsigned } from '#store/signature.ts';

const scope = {
  region: 'us-east-1',
  nowMs: Date.UTC(2013, 4, 24),
  credentials: {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    sessionToken: '',
  },
};

const examples: readonly (readonly [string, Partial<Unsigned>, string])[] = [
  [
    'GET of an object, with a Range header',
    { path: '/test.txt', headers: { range: 'bytes=0-9' } },
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'PUT of an object whose name needs encoding',
    {
      method: 'PUT',
      path: '/test$file.text',
      headers: {
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
      payload: Buffer.from('Welcome to Amazon S3.'),
    },
    '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  ],
  [
    'GET of a parameter without a value',
    { path: '/', query: [['lifecycle', '']] },
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  ],
  [
    'GET of a listing, with parameters to sort',
    {
      path: '/',
      query: [
        ['prefix', 'J'],
        ['max-keys', '2'],
      ],
    },
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
];

for (const [name, request, signature] of examples) {
  test(`the documentation's example of a ${name} has its signature`, () => {
    const whole = {
      ...{ method: 'GET', host: 'examplebucket.s3.amazonaws.com', path: '/' },
      ...{ query: [], headers: {}, payload: Buffer.alloc(0), ...request },
    };
    assert.match(signedHeaders(whole, scope)['authorization'] ?? '', new RegExp(`${signature}$`));
  });
}

test('a token of temporary credentials is sent, and signed', () => {
  const credentials = { ...scope.credentials, sessionToken: 'token' };
  const request = { method: 'GET', host: 'h', path: '/', query: [], headers: {} };
  const headers = signedHeaders(
    { ...request, payload: Buffer.alloc(0) },
    { ...scope, credentials },
  );
  assert.equal(headers['x-amz-security-token'], 'token');
  assert.match(headers['authorization'] ?? '', /SignedHeaders=[^,]*x-amz-security-token/);
});

test('paths and queries are encoded as the signature wants them, once', () => {
  assert.equal(encodedPath("/a b/ü'(1)*!/%41"), '/a%20b/%C3%BC%27%281%29%2A%21/%2541');
  const query = [
    ['b', '1'],
    ['a', 'x=y&z'],
    ['a', '+'],
  ] as const;
  assert.equal(encodedQuery(query), 'a=%2B&a=x%3Dy%26z&b=1');
});

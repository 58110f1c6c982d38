// The messages of the join listener and the proof in them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { grantKeyFrom, grantSigned } from '#cluster/grant-key.ts';
import {
  decodeAnswer,
  decodeOffer,
  decodeRefusal,
  decodeRequest,
  encodeAnswer,
  encodeOffer,
  encodeRefusal,
  encodeRequest,
  type JoinRequest,
  proofOf,
} from '#cluster/join-messages.ts';
import {
  JoinAnswerSchema,
  JoinOfferSchema,
  JoinRefusalSchema,
  JoinRequestSchema,
} from '#command/generated/join_pb.js';

const request: JoinRequest = {
  cluster: '0'.repeat(32),
  name: 'n2',
  storeId: '1'.repeat(32),
  peerAddress: 'n2.lan:4002',
  apiUrl: 'https://n2.lan:4001',
  peerRequest: 'peer csr\n',
  httpsRequest: 'https csr\n',
  probe: Buffer.alloc(16, 1),
  signature: Buffer.alloc(64, 2),
};

const bytes = (text: string): Uint8Array => Buffer.from(text);

test('the messages are those of join.proto, byte for byte, and are read as written', () => {
  const asRequest = create(JoinRequestSchema, {
    format: 1,
    ...request,
    peerRequest: bytes(request.peerRequest),
    httpsRequest: bytes(request.httpsRequest),
  });
  assert.deepEqual(encodeRequest(request), Buffer.from(toBinary(JoinRequestSchema, asRequest)));
  assert.deepEqual(decodeRequest(encodeRequest(request)), { kind: 'ok', value: request });

  const answer = {
    peerCertificate: 'a',
    peerCa: 'b',
    httpsCertificate: 'c',
    clientCa: 'd',
    authFile: '[]',
    clusterRecord: Buffer.from([8, 1]),
  };
  const asAnswer = create(JoinAnswerSchema, {
    format: 1,
    peerCertificate: bytes('a'),
    peerCa: bytes('b'),
    httpsCertificate: bytes('c'),
    clientCa: bytes('d'),
    authFile: bytes('[]'),
    clusterRecord: answer.clusterRecord,
  });
  assert.deepEqual(encodeAnswer(answer), Buffer.from(toBinary(JoinAnswerSchema, asAnswer)));
  assert.deepEqual(decodeAnswer(encodeAnswer(answer)), { kind: 'ok', value: answer });

  const refusal = { code: 'unreachable', message: 'no', hint: 'try' };
  const asRefusal = create(JoinRefusalSchema, { format: 1, ...refusal });
  assert.deepEqual(encodeRefusal(refusal), Buffer.from(toBinary(JoinRefusalSchema, asRefusal)));
  assert.deepEqual(decodeRefusal(encodeRefusal(refusal)), { kind: 'ok', value: refusal });

  const asOffer = create(JoinOfferSchema, { format: 1, ca: bytes('pem') });
  assert.deepEqual(encodeOffer('pem'), Buffer.from(toBinary(JoinOfferSchema, asOffer)));
  assert.deepEqual(decodeOffer(encodeOffer('pem')), { kind: 'ok', value: 'pem' });
});

test('FRM-06 damaged or foreign bytes are broken messages, never another error', () => {
  const whole = encodeRequest(request);
  for (let cut = 0; cut < whole.length; cut++) decodeRequest(whole.subarray(0, cut));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      for (const decode of [decodeRequest, decodeAnswer, decodeRefusal, decodeOffer]) {
        decode(input);
      }
    }),
  );
  assert.equal(decodeRequest(encodeOffer('pem')).kind, 'ok');
  assert.equal(decodeRequest(Buffer.from('0802', 'hex')).kind, 'broken');
  assert.equal(decodeRequest(Buffer.from('08011a01611a0161', 'hex')).kind, 'broken');
});

test('a refusal shows printable ASCII only, whatever the node put in', () => {
  const refusal = decodeRefusal(
    encodeRefusal({ code: 'x', message: '\u001b[31mred\nline', hint: 'é' }),
  );
  assert.deepEqual(refusal.kind === 'ok' && refusal.value, {
    code: 'x',
    message: '?[31mred?line',
    hint: '?',
  });
});

test('a proof holds for the grant, the claim, the key and the connection it was made for, and for nothing else', () => {
  const key = grantKeyFrom(Buffer.alloc(32, 7));
  const binding = Buffer.alloc(32, 9);
  const signature = key.sign(proofOf(request, 'pin', binding));
  assert.ok(grantSigned(key.publicKey, proofOf(request, 'pin', binding), signature));

  const other = grantKeyFrom(Buffer.alloc(32, 8));
  assert.ok(!grantSigned(other.publicKey, proofOf(request, 'pin', binding), signature));
  assert.ok(!grantSigned('no key', proofOf(request, 'pin', binding), signature));
  assert.ok(!grantSigned(key.publicKey, proofOf(request, 'pin', Buffer.alloc(32)), signature));
  assert.ok(!grantSigned(key.publicKey, proofOf(request, 'another', binding), signature));
  for (const field of Object.keys(request)) {
    if (field === 'signature') continue;
    const changed = { ...request, [field]: field === 'probe' ? Buffer.alloc(16) : 'changed' };
    assert.ok(!grantSigned(key.publicKey, proofOf(changed, 'pin', binding), signature), field);
  }
  // Moving a byte from one field to its neighbour is a change, too.
  const shifted = { ...request, cluster: `${request.cluster}n`, name: '2' };
  assert.notDeepEqual(proofOf(shifted, 'pin', binding), proofOf(request, 'pin', binding));
});

test('the key of a seed is Ed25519 as RFC 8032 has it', () => {
  // RFC 8032, 7.1, TEST 1.
  const seed = Buffer.from(
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'hex',
  );
  const key = grantKeyFrom(seed);
  assert.equal(key.publicKey, 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  assert.match(key.sign(Buffer.alloc(0)).toString('hex'), /^e5564300c360ac72/);
});

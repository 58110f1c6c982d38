// The yardstick: a bare fastify server over TLS with its default settings. It reads a JSON body and
// answers with as many bytes as `size` in the query asks for, and with thirteen headers in all, as
// an API server sends them. No application, no disk: what Node's HTTPS costs by itself. A child
// process: it tells its parent port and certificate, and ends with it.
import { generateKeyPairSync } from 'node:crypto';
import Fastify from 'fastify';
import forge from 'node-forge';

const dayMs = 24 * 60 * 60 * 1000;
const ipAddress = 7;

/** A certificate for this run; its kind matters to handshakes only, and those are not measured. */
const selfSigned = () => {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  const signer = forge.pki.privateKeyFromPem(key);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(signer.n, signer.e);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - dayMs);
  certificate.validity.notAfter = new Date(Date.now() + dayMs);
  const name = [{ name: 'commonName', value: 'echo' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'subjectAltName', altNames: [{ type: ipAddress, ip: '127.0.0.1' }] },
  ]);
  certificate.sign(signer, forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate) };
};

/**
 * Eight headers; content-type, content-length, date, connection and keep-alive make it thirteen.
 */
const headers = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-request-id': '0123456789abcdef',
  'x-served-by': '127.0.0.1:0',
};

const bodies = new Map();
const bodyOf = (size) => {
  const known = bodies.get(size);
  if (known !== undefined) return known;
  const frame = '{"results":[""]}';
  const body = frame.replace('""', `"${'x'.repeat(Math.max(0, size - frame.length))}"`);
  bodies.set(size, body);
  return body;
};

const tls = selfSigned();
const server = Fastify({ https: tls });
server.post('/*', (request, reply) => {
  reply.headers(headers).send(bodyOf(Number(request.query.size ?? 0)));
});
await server.listen({ host: '127.0.0.1', port: 0 });
process.send({ port: server.server.address().port, ca: tls.cert });
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));

// Every option of every TLS socket, in one place. A listener, a later `setSecureContext` of it and
// a dialler get the same object from here and nothing added: a context that is made without
// minVersion falls back to Node's default, and a reload would downgrade the port (security.md D1).
// Must not read files and must not decide who the other side is (peer-identity.ts does).
import { constants } from 'node:crypto';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { handshakeTimeoutMs } from '#limits.ts';

/** The application protocol of the peer port; required both ways. */
export const peerAlpn = 'stockade-peer/1';
/**
 * On the same port: one question and one answer between nodes that know addresses and not yet each
 * other. As strict as the other one.
 */
export const meetAlpn = 'stockade-meet/1';
/** The one application protocol of the join listener. */
export const joinAlpn = 'stockade-join/1';
/** The one application protocol of the API. */
const httpAlpn = 'http/1.1';

/** What the peer port presents and whom it trusts; all PEM. `ca` is the peer CA and no other. */
export interface PeerMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * What the API presents; with `clientCa` it accepts client certificates as an identity. All PEM.
 */
export interface HttpsMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

const suites13 = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
];

/** TLS 1.2 with ephemeral keys and authenticated encryption only. */
const suites12 = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
];

/**
 * No tickets: a ticket resumes as authorized after the certificate expired, even without a key
 * (D2). No renegotiation: it exists in TLS 1.2 only and serves attackers only.
 */
const secureOptions =
  constants.SSL_OP_NO_TICKET |
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_COMPRESSION |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE;

/** The hybrid first: what is recorded today stays closed when quantum computers come (T06). */
const groups = 'X25519MLKEM768:X25519:P-256';

const base = { maxVersion: 'TLSv1.3', secureOptions } as const;

const peer = {
  ...base,
  minVersion: 'TLSv1.3',
  ecdhCurve: groups,
  ciphers: suites13.join(':'),
  requestCert: true,
  rejectUnauthorized: true,
  ALPNProtocols: [peerAlpn],
} as const;

/** First contact: as strict as the peer port but for the certificate, which the newcomer lacks. */
const join = { ...peer, ALPNProtocols: [joinAlpn] } as const;

/**
 * For `tls.createServer` of the join listener. The newcomer's certificate signs itself: it proves
 * the key in the handshake and nothing else, so nobody is refused for it here and nobody is
 * believed for it either (join-identity.ts).
 */
export const joinServerOptions = (material: PeerMaterial): TlsOptions => ({
  ...peerServerOptions(material),
  ...join,
  rejectUnauthorized: false,
});

/**
 * For the newcomer's first connection, which sends nothing and believes nothing but what the pin
 * in its token confirms: there is no authority yet that could be checked.
 */
export const joinFetchOptions = (): ConnectionOptions => ({
  ...join,
  rejectUnauthorized: false,
  checkServerIdentity: () => undefined,
});

/**
 * For the newcomer's second connection: `ca` is the pinned authority and no other. Whoever dials
 * must ask `identifyJoinServer` in 'secureConnect', before the first byte is sent.
 */
export const joinDialOptions = (material: PeerMaterial): ConnectionOptions => ({
  ...peerDialOptions(material),
  ...join,
});

/** For `tls.createServer` of the peer port and for each `setSecureContext` of it. */
export const peerServerOptions = (material: PeerMaterial): TlsOptions => ({
  ...peer,
  ALPNProtocols: [peerAlpn, meetAlpn],
  cert: material.certificate,
  key: material.key,
  ca: material.ca,
  handshakeTimeout: handshakeTimeoutMs,
});

/**
 * For `tls.connect` to a peer port. Host names play no part in who a peer is: whoever dials must
 * ask `identifyPeer` in 'secureConnect', before the first byte is sent.
 */
export const peerDialOptions = (material: PeerMaterial): ConnectionOptions => ({
  ...peer,
  cert: material.certificate,
  key: material.key,
  ca: material.ca,
  checkServerIdentity: () => undefined,
});

/** For `tls.connect` to a peer port in order to meet whoever is there; see `peerDialOptions`. */
export const meetDialOptions = (material: PeerMaterial): ConnectionOptions => ({
  ...peerDialOptions(material),
  ALPNProtocols: [meetAlpn],
});

/**
 * For the API's listener and for each `setSecureContext` of it. A client certificate is optional: a
 * connection with none, or with one that does not verify, is a connection without that identity
 * (`identifyUser` tells them apart).
 */
export const httpsServerOptions = (material: HttpsMaterial): TlsOptions => ({
  ...base,
  minVersion: 'TLSv1.2',
  // In TLS 1.2 a certificate's own curve must be among them; bought ones come on P-384 too.
  ecdhCurve: `${groups}:P-384`,
  ciphers: [...suites13, ...suites12].join(':'),
  ALPNProtocols: [httpAlpn],
  cert: material.certificate,
  key: material.key,
  handshakeTimeout: handshakeTimeoutMs,
  requestCert: material.clientCa !== undefined,
  rejectUnauthorized: false,
  ...(material.clientCa === undefined ? {} : { ca: material.clientCa }),
});

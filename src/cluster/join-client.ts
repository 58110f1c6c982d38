// The newcomer's side of first contact: fetch the authority and hold it against the token, then
// prove key and token to a node of that authority. Sends nothing before it knows to whom.
import { X509Certificate } from 'node:crypto';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { CodedError, type ErrorCode, errorMeanings } from '#errors.ts';
import { keyPinOf } from '#tls/certificate.ts';
import { identifyJoinServer } from '#tls/join-identity.ts';
import { joinDialOptions, joinFetchOptions } from '#tls/tls-options.ts';
import { FrameLink, frameOf } from '#transport/frame-link.ts';
import { addressesOf, hostPortFrom } from '#transport/peer-address.ts';
import { joinAnswerBytesMax, joinFirstWordTimeoutMs, joinTimeoutMs } from './bounds.ts';
import { grantKeyFrom } from './grant-key.ts';
import {
  bindingBytes,
  bindingLabel,
  decodeAnswer,
  decodeOffer,
  decodeRefusal,
  encodeRequest,
  type JoinAnswer,
  type JoinClaim,
  joinFrame,
  proofOf,
} from './join-messages.ts';
import type { JoinToken } from './token.ts';

/** What the newcomer brings. */
export interface Newcomer {
  readonly token: JoinToken;
  readonly claim: JoinClaim;
  /** A certificate that signs itself, and its key; PEM. */
  readonly certificate: string;
  readonly key: string;
}

/** An answer, and who gave it. */
export interface Joined {
  readonly answer: JoinAnswer;
  /** The pinned authority, PEM. */
  readonly ca: string;
  readonly by: string;
}

/**
 * Joins through the first of the token's addresses that answers.
 *
 * @throws CodedError in one sentence: `unreachable`, `certificate_invalid` for another cluster or
 *   somebody in the middle, what the node refused
 */
export const joinCluster = async (newcomer: Newcomer): Promise<Joined> => {
  const failures: string[] = [];
  for (const address of newcomer.token.addresses) {
    const place = hostPortFrom(address);
    const [host] = place === undefined ? [] : await addressesOf(place.host);
    const ca =
      place === undefined || host === undefined
        ? 'no such host is known here'
        : await fetchAuthority(host, place.port, newcomer.token, address);
    if (typeof ca === 'string') failures.push(`${address}: ${ca}`);
    else if (host !== undefined && place !== undefined) {
      return ask(host, place.port, ca.pem, newcomer);
    }
  }
  throw new CodedError('unreachable', `no node takes newcomers at ${failures.join('; ')}`, {
    hint: 'It does so only while `stockade admit` or `stockade init --admit` waits there; see that it does, and that the firewall lets this machine through.',
  });
};

interface FetchedAuthority {
  readonly pem: string;
}

/** The authority that the token pins, or why nothing was heard at all. */
const fetchAuthority = async (
  host: string,
  port: number,
  token: JoinToken,
  address: string,
): Promise<FetchedAuthority | string> => {
  const heard = await conversation({ ...joinFetchOptions(), host, port }, joinFirstWordTimeoutMs);
  if (heard.kind === 'nothing') return heard.why;
  const offer = heard.frame === joinFrame.offer ? decodeOffer(heard.payload) : undefined;
  const pinned = offer?.kind === 'ok' ? authorityWithPin(offer.value, token.caPin) : undefined;
  if (pinned !== undefined) return { pem: pinned };
  throw new CodedError(
    'certificate_invalid',
    `the node at ${address} is of another cluster than the token: its authority is not the one that the token names`,
    {
      hint: 'Nothing was sent. Use the token of that cluster, or find out who answers in its place.',
    },
  );
};

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The one certificate among a few whose public key has the pin. */
const authorityWithPin = (pem: string, pin: string): string | undefined =>
  (pem.match(certificateBlock) ?? []).slice(0, 4).find((block) => {
    try {
      return keyPinOf(new X509Certificate(block)) === pin;
    } catch {
      return false;
    }
  });

const ask = async (
  host: string,
  port: number,
  ca: string,
  { token, claim, certificate, key }: Newcomer,
): Promise<Joined> => {
  let by = '';
  const options = { ...joinDialOptions({ certificate, key, ca }), host, port };
  const heard = await conversation(options, joinTimeoutMs, (socket) => {
    const server = identifyJoinServer(socket, token.cluster);
    if (server.kind === 'refused') return server.reason;
    by = server.name;
    const binding = socket.exportKeyingMaterial(bindingBytes, bindingLabel, Buffer.alloc(0));
    const proof = proofOf(claim, pinOfOwn(certificate), binding);
    const signature = grantKeyFrom(token.seed).sign(proof);
    socket.write(frameOf(joinFrame.request, encodeRequest({ ...claim, signature })));
    return undefined;
  });
  if (heard.kind === 'nothing') throw unheard(heard.why);
  if (heard.frame === joinFrame.refusal) throw refusalOf(heard.payload);
  const answer = heard.frame === joinFrame.answer ? decodeAnswer(heard.payload) : undefined;
  if (answer?.kind !== 'ok') throw unheard('its answer cannot be read');
  return { answer: answer.value, ca, by };
};

const pinOfOwn = (certificate: string): string => keyPinOf(new X509Certificate(certificate));

const unheard = (why: string): CodedError => {
  const clock = /NOT_YET_VALID|HAS_EXPIRED/.test(why);
  return clock
    ? new CodedError(
        'certificate_invalid',
        `the certificate of the node is outside its dates by the clock of this machine (${new Date().toISOString()})`,
        { hint: 'Set the clock, here or there (for example with NTP), then try again.' },
      )
    : new CodedError('unreachable', `the node did not answer to the end: ${why}`, {
        hint: 'Run the same command again: what was granted is answered again.',
      });
};

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorMeanings, code);

const refusalOf = (payload: Buffer): CodedError => {
  const refusal = decodeRefusal(payload);
  if (refusal.kind === 'broken') return unheard(refusal.why);
  const { code, message, hint } = refusal.value;
  return new CodedError(isErrorCode(code) ? code : 'internal', message, {
    ...(hint === '' ? {} : { hint }),
  });
};

type Heard =
  | { readonly kind: 'frame'; readonly frame: number; readonly payload: Buffer }
  | { readonly kind: 'nothing'; readonly why: string };

/** Connects, says what `begin` writes unless it refuses, and hears one frame. */
const conversation = (
  options: ConnectionOptions,
  timeoutMs: number,
  begin: (socket: TLSSocket) => string | undefined = () => undefined,
): Promise<Heard> =>
  new Promise((resolve) => {
    const socket = connect(options);
    let why = 'it hung up without a word';
    const overdue = setTimeout(() => {
      why = 'it did not answer in time';
      socket.destroy();
    }, timeoutMs);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const { authorizationError } = socket;
      why = authorizationError ? String(authorizationError) : (error.code ?? error.message);
    });
    socket.once('close', () => {
      clearTimeout(overdue);
      resolve({ kind: 'nothing', why });
    });
    socket.once('secureConnect', () => {
      const refusal = begin(socket);
      if (refusal === undefined) return;
      why = refusal;
      socket.destroy();
    });
    new FrameLink(socket, {
      frameBytesMax: joinAnswerBytesMax,
      monotonicMs: () => performance.now(),
      onChunkEnd: () => undefined,
      onBroken: (what) => {
        why = what;
        socket.destroy();
      },
      onFrame: (frame, payload) => {
        resolve({ kind: 'frame', frame, payload: Buffer.from(payload) });
        socket.destroy();
        return false;
      },
    });
  });

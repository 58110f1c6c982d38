// Certificate signing requests (RFC 2986). A request proves that its sender holds a key and says
// what the sender wants; of all that, only the public key is ever used, and a request that wants
// more than it may get is refused rather than trimmed, for its sender is mistaken or hostile.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CodedError } from '#errors.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import { isOurAlgorithm, leafName, signed } from './build-certificate.ts';
import {
  DerError,
  type DerNode,
  derFrom,
  expectTag,
  objectIdentifierOf,
  partsOf,
  smallIntegerOf,
  tagSet,
  wholeBytesOf,
} from './der-reader.ts';
import { objectIdentifier, sequence, setOf, smallInteger, tagged } from './der-writer.ts';
import { subjectAltName } from './extensions.ts';
import { type Holder, holderUri } from './holder.ts';
import { hostsFrom } from './host.ts';
import { isP256, newKeyPair, privateKeyFrom, publicKeyInfo, publicKeyPinOf } from './key-pair.ts';
import { oidExtensionRequest } from './oid.ts';
import { pemBlocksFrom, pemOf } from './pem.ts';
import { nameFrom } from './read-certificate.ts';
import { type ExtensionsView, extensionsFrom } from './read-extensions.ts';
import { foreignText } from './show.ts';

/** A request is below 1 KiB; the text is bounded before anything looks at it. */
export const requestTextBytesMax = 16 * 1024;

/** Why a request is refused. */
export type RequestRefusal =
  | 'too_large'
  | 'malformed'
  | 'key_type'
  | 'bad_signature'
  | 'asks_for_authority'
  | 'two_uris'
  | 'other_name';

/** What was found in a request. `hosts` are wishes: shown to the operator, copied by nobody. */
export type RequestVerdict =
  | {
      readonly kind: 'accepted';
      /** SPKI as PEM, for `publicKey` of issueNode and its sisters. */
      readonly publicKey: string;
      readonly keyPin: string;
      readonly hosts: readonly string[];
    }
  | { readonly kind: 'refused'; readonly reason: RequestRefusal; readonly why: string };

/** What a request is made from. */
export interface NewRequest {
  readonly cluster: ClusterId;
  readonly holder: Holder;
  /** Names to ask for; a user has none. */
  readonly hosts: readonly string[];
  /** An existing key (PKCS#8 PEM, P-256); without it one is made. */
  readonly key?: string;
}

/**
 * A request and the key it is for, both PEM.
 *
 * @throws CodedError `config_invalid` when a host is refused, `certificate_invalid` when the key is
 */
export const createRequest = (wanted: NewRequest): { request: string; key: string } => {
  const key = wanted.key ?? newKeyPair().key;
  const privateKey = privateKeyFrom(key);
  const hosts = wanted.hosts.length === 0 ? [] : hostsFrom(wanted.hosts);
  const names = subjectAltName(holderUri(wanted.holder, wanted.cluster), hosts);
  const info = sequence(
    smallInteger(0),
    leafName(wanted.holder.name),
    publicKeyInfo(createPublicKey(privateKey)),
    tagged(0, sequence(objectIdentifier(oidExtensionRequest), setOf(sequence(names)))),
  );
  return { request: pemOf('CERTIFICATE REQUEST', signed(info, privateKey)), key };
};

const refused = (reason: RequestRefusal, why: string): RequestVerdict => ({
  kind: 'refused',
  reason,
  why,
});

interface RequestView {
  readonly commonName: string | undefined;
  readonly extensions: ExtensionsView;
  readonly keyInfo: DerNode;
  readonly signatureIsOurs: boolean;
  readonly toBeSigned: Buffer;
  readonly signature: Buffer;
}

/** The extensions asked for: at most one attribute of that kind with one value. */
const wishesFrom = (attributes: DerNode): ExtensionsView => {
  const wishes = attributes.children
    .map(partsOf)
    .filter(([oid]) => objectIdentifierOf(oid) === oidExtensionRequest);
  if (wishes.length > 1) throw new DerError('it asks for extensions twice');
  const values = wishes[0] === undefined ? [] : expectTag(wishes[0][1], tagSet).children;
  if (wishes.length === 1 && values.length !== 1) throw new DerError('its wishes are malformed');
  return extensionsFrom(values[0]);
};

const viewOf = (der: Buffer): RequestView => {
  const [info, algorithm, signature, ...more] = partsOf(derFrom(der));
  const [version, subject, keyInfo, attributes, ...rest] = partsOf(info);
  if (info === undefined || keyInfo === undefined || more.length + rest.length > 0) {
    throw new DerError('its parts are not those of a request');
  }
  if (smallIntegerOf(version) !== 0) throw new DerError('its version is unknown');
  return {
    commonName: nameFrom(subject).commonName,
    extensions: wishesFrom(expectTag(attributes, 0xa0)),
    keyInfo,
    signatureIsOurs: isOurAlgorithm(algorithm),
    toBeSigned: info.bytes,
    signature: wholeBytesOf(signature),
  };
};

const publicKeyIn = (keyInfo: DerNode): KeyObject | undefined => {
  try {
    return createPublicKey({ key: keyInfo.bytes, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
};

const shownCharactersMax = 120;
/** What the sender wrote, safe for a terminal. */
const shown = (text: string): string => foreignText(text.slice(0, shownCharactersMax));

const judgeWishes = (
  { commonName, extensions }: RequestView,
  holder: Holder,
  cluster: ClusterId,
): RequestVerdict | undefined => {
  const { authority, keyUsage, uris, otherNames } = extensions;
  if (authority || keyUsage.includes('keyCertSign') || keyUsage.includes('cRLSign')) {
    return refused('asks_for_authority', 'it asks for a certificate that can sign others');
  }
  if (uris.length > 1) return refused('two_uris', 'it asks for more than one identity');
  const [uri] = uris;
  if (uri !== undefined && uri !== holderUri(holder, cluster)) {
    return refused(
      'other_name',
      `it asks for the identity of another holder or cluster: ${shown(uri)}`,
    );
  }
  if (otherNames > 0) return refused('other_name', 'it asks for a name that is no host');
  if (holder.kind !== 'https' && commonName !== undefined && commonName !== holder.name) {
    return refused('other_name', `its common name is not ${holder.name} but ${shown(commonName)}`);
  }
  return undefined;
};

const judge = (view: RequestView, holder: Holder, cluster: ClusterId): RequestVerdict => {
  const publicKey = publicKeyIn(view.keyInfo);
  if (publicKey === undefined || !isP256(publicKey)) {
    return refused('key_type', 'its key is not ECDSA on P-256');
  }
  if (!view.signatureIsOurs || !verify('sha256', view.toBeSigned, publicKey, view.signature)) {
    return refused('bad_signature', 'it is not signed by its own key with ECDSA and SHA-256');
  }
  return (
    judgeWishes(view, holder, cluster) ?? {
      kind: 'accepted',
      publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      keyPin: publicKeyPinOf(publicKey),
      hosts: view.extensions.hosts,
    }
  );
};

/**
 * What a request says, unjudged: for showing it.
 *
 * @throws CodedError `certificate_invalid` when it cannot be read
 */
export const requestContent = (
  der: Buffer,
): Pick<RequestView, 'commonName' | 'extensions'> & { readonly keyPin: string | undefined } => {
  try {
    const view = viewOf(der);
    const key = publicKeyIn(view.keyInfo);
    return { ...view, keyPin: key === undefined ? undefined : publicKeyPinOf(key) };
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new CodedError('certificate_invalid', `a request cannot be read: ${cause.message}`, {
      cause,
    });
  }
};

/**
 * Judges a request for a holder that the caller has decided on.
 *
 * @param pem whatever the other side sent: any text of any size is safe to give
 */
export const judgeRequest = (pem: string, holder: Holder, cluster: ClusterId): RequestVerdict => {
  if (pem.length > requestTextBytesMax) return refused('too_large', 'it is larger than 16 KiB');
  const [block, second] = pemBlocksFrom(pem);
  if (
    block === undefined ||
    second !== undefined ||
    !/^(NEW )?CERTIFICATE REQUEST$/.test(block.label)
  ) {
    return refused('malformed', 'it is not one PEM certificate request');
  }
  try {
    return judge(viewOf(block.bytes), holder, cluster);
  } catch (error) {
    if (error instanceof DerError) return refused('malformed', `it is malformed: ${error.message}`);
    throw error;
  }
};

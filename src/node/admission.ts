// Lets newcomers in (admission.md): keeps the join listener open while somebody signs for a grant,
// judges who applies, has the certificates made and the entry committed, in this order: whoever
// dies on the way leaves either nothing or a member. This process never sees a CA's key.
import { X509Certificate } from 'node:crypto';
import { probeBytes, tokenTtlMsMax, tokenTtlMsMin } from '#cluster/bounds.ts';
import { grantSigned } from '#cluster/grant-key.ts';
import { type Application, type JoinListener, openJoinListener } from '#cluster/join-listener.ts';
import { type JoinAnswer, type JoinRequest, proofOf } from '#cluster/join-messages.ts';
import { requireReachable } from '#cluster/reach-back.ts';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import type { GrantRecord, MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import { isNodeName, nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import type { Seam } from '#process/seam.ts';
import { keyPinOf } from '#tls/certificate.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import { hostPortFrom } from '#transport/peer-address.ts';
import { addressText, type NodeConfig } from './config.ts';
import type { Logger } from './logger.ts';
import type { Members } from './members.ts';
import type { MembershipChanges } from './membership-changes.ts';
import { withMember } from './membership-records.ts';
import {
  type AdminCarried,
  type AdminCarriedIn,
  type AdminGrant,
  type AdminGranted,
  type SignedCertificates,
  signCertificates,
} from './seams/admin-seam.ts';
import { requireSigned } from './signed-certificate.ts';

/** How often the listener is asked whether it is still needed. */
const reviewEveryMs = 1000;

/** What admission needs of the node. */
export interface AdmissionContext {
  readonly cluster: ClusterId;
  readonly config: Pick<NodeConfig, 'join' | 'peer'>;
  readonly material: () => PeerMaterial;
  readonly members: Members;
  readonly membership: MembershipChanges;
  /** The auth file's text as it is now. */
  readonly authFile: () => string;
  readonly log: Logger;
  readonly wallMs: () => number;
}

/** See the head of this file. */
export class Admission {
  readonly #context: AdmissionContext;
  /** Who signs for a name: the newest connection that said so. */
  readonly #signers = new Map<string, Seam>();
  /** Of this moment; a promise, so that two who open it at the same time get the same one. */
  #listener: Promise<JoinListener> | undefined;
  /** Grants that are on their way to be committed: the listener stays open for them. */
  #granting = 0;
  readonly #review: NodeJS.Timeout;

  constructor(context: AdmissionContext) {
    this.#context = context;
    this.#review = setInterval(() => this.#closeUnneeded(), reviewEveryMs);
    this.#review.unref();
  }

  /** Opens grants for a signer. @throws CodedError as MembershipChanges.grant, `address_in_use` */
  async grant(signer: Seam, wanted: readonly AdminGrant[], ttlMs: number): Promise<AdminGranted> {
    const { membership, wallMs, log } = this.#context;
    if (!(ttlMs >= tokenTtlMsMin && ttlMs <= tokenTtlMsMax)) {
      throw new CodedError('usage', 'a token lives for a second to an hour');
    }
    for (const { name } of wanted) nodeNameFrom(name);
    // Whole seconds, as a token has them.
    const expiresMs = Math.floor((wallMs() + ttlMs) / 1000) * 1000;
    const grants = wanted.map(
      (grant): GrantRecord => ({ ...grant, expiresMs, usedMs: 0, usedFrom: '' }),
    );
    this.#granting += 1;
    const listener = await this.#open()
      .then(async (open) => {
        await membership.grant(grants);
        return open;
      })
      .finally(() => {
        this.#granting -= 1;
      });
    this.#register(
      signer,
      wanted.map(({ name }) => name),
    );
    for (const { name } of wanted) {
      log.info({ audit: 'grant', name, expires: new Date(expiresMs).toISOString() }, 'may join');
    }
    return { expiresMs, address: this.#advertised(listener.port) };
  }

  /**
   * Makes a member of a newcomer whose certificate was carried: the operator's word takes the place
   * of the token, the signature that of the newcomer on the line. All other checks are the same.
   *
   * @throws CodedError as MembershipChanges.admitCarried, `bad_request`, `certificate_invalid`
   */
  async admitCarried(carried: AdminCarried): Promise<AdminCarriedIn> {
    const { cluster, members, membership, log, authFile, material } = this.#context;
    const { peerCertificate, readReplica } = carried;
    const keyPin = keyPinOf(certificateFrom(peerCertificate));
    const newcomer = newcomerOf(carried, keyPin);
    requireSigned(peerCertificate, {
      cluster,
      name: nodeNameFrom(newcomer.name),
      keyPin,
      ca: material().ca,
    });
    const users = authFile();
    await membership.admitCarried(newcomer, readReplica);
    log.info({ audit: 'joined', name: newcomer.name, from: 'a file', keyPin }, 'a node joined');
    const record = Buffer.from(encodeClusterRecord(members.committed));
    return { authFile: users, clusterRecord: record.toString('base64') };
  }

  /** A signer is back: its node was restarted. */
  async signFor(signer: Seam, names: readonly string[]): Promise<void> {
    await this.#open();
    this.#register(signer, names);
  }

  /** A connection ended: it signs no more. */
  signerGone(signer: Seam): void {
    for (const [name, seam] of this.#signers) if (seam === signer) this.#signers.delete(name);
    this.#closeUnneeded();
  }

  /** Nobody is let in any more. */
  close(): void {
    clearInterval(this.#review);
    this.#signers.clear();
    this.#closeUnneeded();
  }

  #register(signer: Seam, names: readonly string[]): void {
    // It may have gone while this node was busy for it.
    if (signer.closed) return;
    for (const name of names) this.#signers.set(name, signer);
  }

  async #open(): Promise<JoinListener> {
    const { config, material, log } = this.#context;
    this.#listener ??= openJoinListener({
      host: config.join.listen.host,
      port: config.join.listen.port,
      material,
      admit: (application) => this.#admit(application),
      onRefused: (from, reason) => log.warn({ audit: 'join-refused', from, reason }, 'no newcomer'),
    });
    try {
      return await this.#listener;
    } catch (error) {
      this.#listener = undefined;
      throw error;
    }
  }

  #advertised(port: number): string {
    const { join, peer } = this.#context.config;
    return addressText(join.advertise ?? { host: peer.advertise.host, port });
  }

  /** Open only while somebody signs for a grant that has not expired. */
  #closeUnneeded(): void {
    if (this.#listener === undefined || this.#granting > 0) return;
    const nowMs = this.#context.wallMs();
    const { grants } = this.#context.members.latest.record;
    const needed = [...this.#signers.keys()].some((name) =>
      grants.some((grant) => grant.name === name && grant.expiresMs >= nowMs),
    );
    if (needed) return;
    // One that could not be opened has been told to whoever asked for it.
    this.#listener.then(
      (listener) => listener.close(),
      () => undefined,
    );
    this.#listener = undefined;
  }

  async #admit(application: Application): Promise<JoinAnswer> {
    const { members, membership, wallMs, log, authFile } = this.#context;
    const { request, keyPin, from } = application;
    const newcomer = this.#newcomerOf(request, keyPin);
    const publicKey = this.#proved(application);
    // Said before anything is signed; the leader's own look at the record is the one that counts.
    withMember(members.latest.record, publicKey, newcomer, { nowMs: wallMs(), from });
    // Read before anything is committed: it could fail.
    const users = authFile();
    await requireReachable(newcomer.name, newcomer.peerAddress, request.probe);
    const signed = await this.#sign(application, newcomer);
    await membership.admit(publicKey, newcomer, from);
    log.info({ audit: 'joined', name: newcomer.name, from, keyPin }, 'a node joined');
    return {
      ...signed,
      authFile: users,
      clusterRecord: encodeClusterRecord(members.committed),
    };
  }

  /** What the request says of the newcomer, if it can be a member at all. */
  #newcomerOf(request: JoinRequest, keyPin: string): MemberRecord {
    if (request.cluster !== this.#context.cluster) {
      throw new CodedError('permission_denied', 'the token is of another cluster', {
        hint: 'Use the token of this cluster.',
      });
    }
    if (request.probe.length !== probeBytes) throw malformed();
    return newcomerOf(request, keyPin);
  }

  /** The grant whose private key made the proof on this very connection. */
  #proved({ request, keyPin, binding }: Application): string {
    const proof = proofOf(request, keyPin, binding);
    const { grants } = this.#context.members.latest.record;
    const grant = grants.find(({ publicKey }) => grantSigned(publicKey, proof, request.signature));
    if (grant !== undefined) return grant.publicKey;
    throw new CodedError(
      'permission_denied',
      `no token of this cluster proves this request for ${request.name}`,
      { hint: `Make a new one where the CA key is: stockade admit ${request.name}` },
    );
  }

  async #sign(
    { request, keyPin, from }: Application,
    { name, peerAddress, apiUrl }: MemberRecord,
  ): Promise<SignedCertificates> {
    const signer = this.#signers.get(name);
    const hosts = [peerAddress, apiUrl.slice('https://'.length)].map(
      (address) => hostPortFrom(address)?.host ?? '',
    );
    const reply = await signer
      ?.ask(signCertificates, {
        name,
        peerRequest: request.peerRequest,
        httpsRequest: request.httpsRequest,
        keyPin,
        hosts: [...new Set(hosts)],
        from,
      })
      .catch(() => undefined);
    if (reply === undefined) {
      throw new CodedError('not_ready', `nobody signs for ${name} any more`, {
        hint: `Run again where the CA key is: stockade admit ${name}`,
      });
    }
    if (reply.kind === 'failed') {
      throw new CodedError('permission_denied', reply.message, { hint: reply.hint });
    }
    requireSigned(reply.value.peerCertificate, {
      cluster: this.#context.cluster,
      name: nodeNameFrom(name),
      keyPin,
      ca: this.#context.material().ca,
    });
    return reply.value;
  }
}

const malformed = (): CodedError =>
  new CodedError('bad_request', 'the request of the newcomer is malformed');

/** What a request says of its newcomer. @throws CodedError `bad_request` when none could be so */
const newcomerOf = (
  { name, storeId, peerAddress, apiUrl }: Omit<MemberRecord, 'keyPin'>,
  keyPin: string,
): MemberRecord => {
  const api = /^https:\/\/(.+)$/.exec(apiUrl)?.[1] ?? '';
  if (!isNodeName(name) || !hostPortFrom(peerAddress) || !hostPortFrom(api)) throw malformed();
  return { name, storeId: storeIdFrom(storeId), keyPin, peerAddress, apiUrl };
};

/** @throws CodedError `certificate_invalid` */
const certificateFrom = (pem: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new CodedError('certificate_invalid', 'the certificate of the newcomer cannot be read', {
      cause,
      hint: 'Name the certificate that the CA signed for its peer port.',
    });
  }
};

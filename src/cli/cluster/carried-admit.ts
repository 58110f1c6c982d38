// `stockade admit --request`: lets a newcomer in whose request was carried here, and writes the
// file to carry back. Signs with the CA keys beside it, or takes certificates that were signed
// elsewhere.
import { join, resolve } from 'node:path';
import type { AuthorityFolder } from '#certs-tool/authority-folder.ts';
import { keyPinOf } from '#certs-tool/key-pair.ts';
import { judgeRequest } from '#certs-tool/request.ts';
import type { CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { say } from '#cli/progress.ts';
import {
  type CarriedAdmission,
  type CarriedRequest,
  carriedAdmissionFrom,
  carriedAdmissionText,
  carriedRequestFrom,
} from '#cluster/carried-files.ts';
import { CodedError } from '#errors.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import { readPublicText } from '#node/node-files.ts';
import {
  type AdminCarriedIn,
  adminAdmitCarried,
  adminStatus,
  type SignedCertificates,
} from '#node/seams/admin-seam.ts';

import { hostPortFrom } from '#transport/peer-address.ts';
import { openAdminClient } from './admin-client.ts';
import { openAuthority, requireSettled, requireSettledTrust, signNewcomer } from './authority.ts';
import { confirmed } from './confirmed.ts';
import { keyWordsOf } from './key-words.ts';
import type { Passphrase } from './passphrase.ts';

/** Where things are, and how it is signed. */
export interface CarriedAdmittance {
  /** The data folder of the node of this machine. */
  readonly data: string;
  readonly authority: string;
  readonly passphrase: Passphrase | undefined;
}

/** Lets one newcomer in. @throws CodedError with what is wrong, or what the node refuses */
export const admitCarried = async (
  input: CommandInput,
  { data, authority, passphrase }: CarriedAdmittance,
): Promise<number> => {
  const path = resolve(input.text('request'));
  const request = carriedRequestFrom(path, readPublicText(path, systemFiles));
  const out = resolve(input.given('out') ? input.text('out') : `${request.name}.admission`);
  requireReplaceable(out, request);
  const keyPin = requestedPin(request);
  const sign = signerFor(input, authority, passphrase);
  const client = await openAdminClient(data);
  try {
    const { cluster } = await client.ask(adminStatus, undefined);
    if (cluster !== request.cluster) {
      throw new CodedError(
        'config_invalid',
        `${path} is of cluster ${request.cluster}, this node is of ${cluster}`,
        { hint: `On the newcomer: stockade join --prepare ${request.name} --cluster ${cluster}` },
      );
    }
    say(`${request.name} asks to join as ${request.peerAddress}`);
    say(`the words of its key: ${keyWordsOf(keyPin)}; compare them with those on its own screen`);
    if (input.on('confirm')) await confirmed({ name: request.name, keyPin });
    const signed = sign(request, keyPin);
    if (pinOf(signed.peerCertificate) !== keyPin) {
      throw new CodedError(
        'certificate_invalid',
        `the certificate is for another key than the one in ${path}`,
        { hint: 'Sign the peer.csr that was made together with this request.' },
      );
    }
    const { name, storeId, peerAddress, apiUrl } = request;
    const given = await client.ask(adminAdmitCarried, {
      ...{ name, storeId, peerAddress, apiUrl },
      peerCertificate: signed.peerCertificate,
      readReplica: input.on('read-replica'),
    });
    writeAdmission(out, request, signed, given);
    say(`${name} is on record; carry ${out} to it (it holds the password hashes of the users)`);
    say(`there: stockade join --certificate ${name}.admission`);
    process.stdout.write(`${out}\n`);
    return exitCodes.done;
  } finally {
    client.close();
  }
};

/** Makes certificates for a request whose key has this pin, or takes those that were made. */
type Sign = (request: CarriedRequest, keyPin: string) => SignedCertificates;

/** Where certificates come from. @throws CodedError when nobody can be signed for now */
const signerFor = (input: CommandInput, path: string, passphrase: Passphrase | undefined): Sign => {
  if (input.given('certificates')) {
    const signed = certificatesIn(resolve(input.text('certificates')));
    return () => signed;
  }
  const authority = openAuthority(path);
  requireSettled(authority);
  return (request, keyPin) => signHere(request, keyPin, authority, passphrase);
};

/** Nothing is overwritten but what an earlier run made for the same newcomer. */
const requireReplaceable = (out: string, { name, cluster }: CarriedRequest): void => {
  if (systemFiles.status(out) === undefined) return;
  const earlier = admissionIn(out);
  if (earlier?.name === name && earlier.cluster === cluster) return;
  throw new CodedError('already_exists', `${out} is there already`, {
    hint: 'Name another file with --out FILE.',
  });
};

const admissionIn = (path: string): CarriedAdmission | undefined => {
  try {
    return carriedAdmissionFrom(path, readPublicText(path, systemFiles));
  } catch {
    return undefined;
  }
};

/** The key that the request asks for. @throws CodedError when it asks for more than it may */
const requestedPin = (request: CarriedRequest): string => {
  const holder = { kind: 'node', name: nodeNameFrom(request.name) } as const;
  const verdict = judgeRequest(request.peerRequest, holder, clusterIdFrom(request.cluster));
  if (verdict.kind === 'accepted') return verdict.keyPin;
  throw new CodedError(
    'certificate_invalid',
    `the request of ${request.name} is refused (${verdict.reason}): ${verdict.why}`,
    { hint: 'Whoever made it did not use this program, or it was changed on its way.' },
  );
};

const pinOf = (certificate: string): string => {
  try {
    return keyPinOf(certificate);
  } catch {
    return 'none: it cannot be read';
  }
};

const signHere = (
  { name, peerRequest, httpsRequest, peerAddress, apiUrl }: CarriedRequest,
  keyPin: string,
  authority: AuthorityFolder,
  passphrase: Passphrase | undefined,
): SignedCertificates => {
  const hosts = [peerAddress, apiUrl.replace(/^https:\/\//, '')].map((address) => {
    const place = hostPortFrom(address);
    if (place !== undefined) return place.host;
    throw new CodedError('bad_request', `${JSON.stringify(address)} is no address`, {
      hint: 'Make the request anew with `stockade join --prepare`.',
    });
  });
  const wanted = { name, peerRequest, httpsRequest, keyPin, hosts: [...new Set(hosts)] };
  return signNewcomer(authority, { ...wanted, from: 'a file' }, passphrase);
};

/** What `stockade-certs sign` made elsewhere. */
const certificatesIn = (folder: string): SignedCertificates => {
  const text = (file: string): string => readPublicText(join(folder, file), systemFiles);
  const signed = {
    peerCertificate: text('node.crt'),
    peerCa: text('peer-ca.crt'),
    httpsCertificate: text('https.crt'),
    clientCa: text('client-ca.crt'),
  };
  requireSettledTrust('peer', signed.peerCa);
  requireSettledTrust('client', signed.clientCa);
  return signed;
};

const writeAdmission = (
  path: string,
  { name, cluster }: CarriedRequest,
  signed: SignedCertificates,
  given: AdminCarriedIn,
): void => {
  const text = carriedAdmissionText({ name, cluster, ...signed, ...given });
  const effects = { files: systemFiles, random: cryptoRandom };
  writeFileAtomically({ path, content: Buffer.from(text) }, effects);
};

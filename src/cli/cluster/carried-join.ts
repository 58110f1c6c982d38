// `stockade join` without a network to the cluster: `--prepare` makes keys, disk identity and a
// request file here, `--certificate` takes the file that came back. No key leaves this machine, and
// what comes back is checked as an answer over the network is.
import { join, resolve } from 'node:path';
import { publicKeyFrom, publicKeyPinOf } from '#certs-tool/key-pair.ts';
import type { CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { say } from '#cli/progress.ts';
import { type FolderEffects, publicMode } from '#cli/whole-folder.ts';
import {
  type CarriedRequest,
  carriedAdmissionFrom,
  carriedRequestFrom,
  carriedRequestText,
} from '#cluster/carried-files.ts';
import { decodeClusterRecord } from '#command/cluster-record-codec.ts';
import { CodedError } from '#errors.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import { identityFileName, identityFrom } from '#node/identity-file.ts';
import { readPrivateText, readPublicText } from '#node/node-files.ts';
import { hostPortFrom } from '#transport/peer-address.ts';
import { completeJoiningFolder, type JoiningFolder, openJoiningFolder } from './joining-folder.ts';
import { keyWordsOf } from './key-words.ts';
import { newcomerRequests } from './newcomer-requests.ts';
import { nodeFolder } from './node-folder.ts';
import { type Places, placesOf } from './places.ts';
import { startMember } from './start-member.ts';
import { requireUsable } from './usable-answer.ts';

const requestFile = (root: string, name: string): string => join(root, `${name}.request`);

const pinOf = ({ peerKey }: JoiningFolder): string => publicKeyPinOf(publicKeyFrom(peerKey));

/** Makes the folder and the request file. @throws CodedError `usage`, `already_exists` */
export const prepareCarried = async (
  input: CommandInput,
  effects: FolderEffects,
): Promise<number> => {
  const name = nodeNameFrom(input.text('prepare'));
  for (const option of ['cluster', 'advertise'] as const) {
    if (input.text(option) !== '') continue;
    throw new CodedError('usage', `--${option} is missing`, {
      hint: 'For example: stockade join --prepare n4 --cluster 4dff...61ee --advertise n4.lan',
    });
  }
  const cluster = clusterIdFrom(input.text('cluster'));
  const root = resolve(input.text('data'));
  const places = placesOf(
    input.text('advertise'),
    input.whole('http-port'),
    input.whole('peer-port'),
  );
  const newcomer = { name, cluster };
  const joining = openJoiningFolder(root, newcomer, effects);
  const requests = newcomerRequests(newcomer, places, joining);
  const put = (path: string, text: string): void =>
    writeFileAtomically({ path, content: Buffer.from(text), mode: publicMode }, effects);
  const request: CarriedRequest = {
    ...newcomer,
    storeId: joining.store,
    peerAddress: places.peerAddress,
    apiUrl: `https://${places.httpAddress}`,
    ...requests,
  };
  const path = requestFile(root, name);
  put(path, carriedRequestText(request));
  put(join(joining.folder.certs, 'peer.csr'), requests.peerRequest);
  put(join(joining.folder.certs, 'https.csr'), requests.httpsRequest);
  say(`the words of this machine's key: ${keyWordsOf(pinOf(joining))}`);
  say(`carry ${path} to a member; there: stockade admit --request ${name}.request`);
  say('then carry what that made back; here: stockade join --certificate FILE');
  process.stdout.write(`${path}\n`);
  return exitCodes.done;
};

/**
 * Takes the file that came back, and starts the node. The file holds the users' password hashes: it
 * is refused when others can read it.
 *
 * @throws CodedError with what is wrong
 */
export const joinCarried = async (input: CommandInput, effects: FolderEffects): Promise<number> => {
  const root = resolve(input.text('data'));
  const path = resolve(input.text('certificate'));
  const admission = carriedAdmissionFrom(path, readPrivateText(path, effects.files));
  const joining = openPrepared(root, effects);
  const { request } = joining;
  for (const [what, own, given] of [
    ['node', request.name, admission.name],
    ['cluster', request.cluster, admission.cluster],
  ]) {
    if (own === given) continue;
    throw new CodedError('config_invalid', `${path} is for ${what} ${given}, not for ${own}`, {
      hint: `Carry the file that was made for ${request.name}, or name its folder with --data DIR.`,
    });
  }
  const newcomer = { name: nodeNameFrom(request.name), cluster: clusterIdFrom(request.cluster) };
  requireUsable(admission, newcomer, joining);
  const clusterRecord = Buffer.from(admission.clusterRecord, 'base64');
  requireMember(path, clusterRecord, joining);
  completeJoiningFolder(
    joining.folder,
    newcomer,
    joining.places,
    { ...admission, clusterRecord },
    effects,
  );
  say(`${path} lets ${newcomer.name} in; certificates and configuration are in ${root}`);
  return startMember(newcomer.name, joining.folder, joining.places, input.on('no-start'));
};

interface Prepared extends JoiningFolder {
  readonly request: CarriedRequest;
  readonly places: Places;
}

/** What `--prepare` left. @throws CodedError `config_invalid` when it was not run here */
const openPrepared = (root: string, effects: FolderEffects): Prepared => {
  const { data, config } = nodeFolder(root);
  const { files } = effects;
  const identityPath = join(data, identityFileName);
  if (files.status(identityPath) === undefined || files.status(config) !== undefined) {
    throw new CodedError('config_invalid', `nothing waits for a certificate in ${root}`, {
      hint: 'First, on this machine: stockade join --prepare NAME --cluster ID --advertise HOST; or name its folder with --data DIR.',
    });
  }
  const identity = identityFrom(identityPath, readPrivateText(identityPath, files));
  const path = requestFile(root, identity.name);
  const request = carriedRequestFrom(path, readPublicText(path, files));
  const peer = hostPortFrom(request.peerAddress);
  const api = hostPortFrom(request.apiUrl.slice('https://'.length));
  if (peer === undefined || api === undefined) {
    throw new CodedError('config_invalid', `${path} names addresses that are none`, {
      hint: 'Run `stockade join --prepare` again.',
    });
  }
  const places = placesOf(peer.host, api.port, peer.port);
  return { ...openJoiningFolder(root, identity, effects), request, places };
};

/** The cluster must have this very node on record, by name, disk and key, at these addresses. */
const requireMember = (path: string, record: Uint8Array, joining: Prepared): void => {
  const { request, store } = joining;
  const member = decodeClusterRecord(record).members.find(({ name }) => name === request.name);
  const right =
    member?.storeId === store &&
    member.keyPin === pinOf(joining) &&
    member.peerAddress === request.peerAddress &&
    member.apiUrl === request.apiUrl;
  if (right) return;
  throw new CodedError(
    'config_invalid',
    `${path} is of a cluster that has not admitted this node`,
    {
      hint: `Its disk, key or addresses are not those of ${request.name} there: carry the newest ${request.name}.request to a member, and remove the former ${request.name} first.`,
    },
  );
};

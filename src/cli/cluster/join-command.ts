// `stockade join`: makes this machine a member of the cluster in a token, starts the node and stays
// beside it. Keys are made here and never leave.
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { publicKeyFrom, publicKeyPinOf } from '#certs-tool/key-pair.ts';
import { createRequest } from '#certs-tool/request.ts';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { say } from '#cli/progress.ts';
import { stopRequest } from '#cli/stop-request.ts';
import { probeBytes } from '#cluster/bounds.ts';
import { type Joined, joinCluster } from '#cluster/join-client.ts';
import { showProbe } from '#cluster/reach-back.ts';
import { type JoinToken, requireUnexpired, tokenFrom } from '#cluster/token.ts';
import { CodedError } from '#errors.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { readPublicText } from '#node/node-files.ts';
import { checkHttpsMaterial, checkPeerMaterial } from '#tls/check-material.ts';
import { selfSignedCertificate } from '#tls/self-signed-certificate.ts';
import { addressesOf, hostPortFrom } from '#transport/peer-address.ts';
import { startBeside, stayBeside, stopBeside, untilNode } from './beside-node.ts';
import { completeJoiningFolder, type JoiningFolder, openJoiningFolder } from './joining-folder.ts';
import { keyWordsOf } from './key-words.ts';
import type { NodeFolder } from './node-folder.ts';
import { dataOption, httpPortOption, peerPortOption } from './options.ts';
import { type Places, placesOf } from './places.ts';
import { standardInput } from './standard-input.ts';

const effects = { files: systemFiles, random: cryptoRandom };

const run = async (input: CommandInput): Promise<number> => {
  const token = tokenFrom(await tokenLine(input));
  requireUnexpired(token, systemClock.wallMs());
  const host = input.text('advertise') === '' ? await ownAddress(token) : input.text('advertise');
  const places = placesOf(host, input.whole('http-port'), input.whole('peer-port'));
  const joining = openJoiningFolder(resolve(input.text('data')), token, effects);
  const { answer, by } = await becomeMember(token, places, joining);
  completeJoiningFolder(joining.folder, token, places, answer, effects);
  say(`${by} let ${token.name} in; certificates and configuration are in ${joining.folder.root}`);
  if (input.on('no-start')) {
    process.stdout.write(`stockade run --config ${joining.folder.config}\n`);
    return exitCodes.done;
  }
  return start(token, joining.folder, places);
};

/** The token, from wherever it is given. @throws CodedError `usage` */
const tokenLine = async (input: CommandInput): Promise<string> => {
  const [word, ...more] = input.words;
  if (more.length > 0) throw new CodedError('usage', 'a token is one word');
  if (input.given('token-file'))
    return readPublicText(resolve(input.text('token-file')), systemFiles);
  if (word === '-') return standardInput();
  if (word === undefined) {
    throw new CodedError('usage', 'the token is missing', {
      hint: 'Paste the line that `stockade admit` or `stockade init --admit` printed.',
    });
  }
  say('the token is in the process list while this runs; `stockade join -` reads it from input');
  return word;
};

/** The address from which this machine reaches the cluster: the likeliest one to be reached by. */
const ownAddress = async (token: JoinToken): Promise<string> => {
  for (const address of token.addresses) {
    const place = hostPortFrom(address);
    const [host] = place === undefined ? [] : await addressesOf(place.host);
    const own =
      place === undefined || host === undefined ? undefined : await localEnd(host, place.port);
    if (own !== undefined) return own;
  }
  throw new CodedError('unreachable', `no node takes newcomers at ${token.addresses.join(', ')}`, {
    hint: 'It does so only while `stockade admit` or `stockade init --admit` waits there; see that it does, and that the firewall lets this machine through.',
  });
};

const localEndTimeoutMs = 5000;

const localEnd = (host: string, port: number): Promise<string | undefined> =>
  new Promise((done) => {
    const socket = connect({ host, port, timeout: localEndTimeoutMs });
    const end = (address: string | undefined): void => {
      socket.destroy();
      done(address);
    };
    socket.once('connect', () => end(socket.localAddress));
    socket.once('timeout', () => end(undefined));
    socket.once('error', () => end(undefined));
  });

/** First contact, and a check of what came back. */
const becomeMember = async (
  token: JoinToken,
  places: Places,
  { store, peerKey, httpsKey }: JoiningFolder,
): Promise<Joined> => {
  const { name, cluster } = token;
  const nowMs = systemClock.wallMs();
  const identity = { kind: 'node', cluster, name } as const;
  const certificate = selfSignedCertificate({ identity, commonName: name, key: peerKey, nowMs });
  say(`the words of this machine's key: ${keyWordsOf(publicKeyPinOf(publicKeyFrom(peerKey)))}`);
  const request = (kind: 'node' | 'https', key: string, hosts: readonly string[]): string => {
    const holder = kind === 'node' ? { kind, name } : { kind, name: places.host };
    return createRequest({ cluster, holder, hosts, key }).request;
  };
  const probe = cryptoRandom.bytes(probeBytes);
  // The API's port only to see that the node will get it: a member that cannot serve is of no use.
  const api = { ...places.httpListen, what: 'port of the API', option: '--http-port' };
  await (await showProbe(api, Buffer.alloc(0))).close();
  const peer = { ...places.peerListen, what: 'peer port', option: '--peer-port' };
  const door = await showProbe(peer, probe);
  try {
    const claim = {
      cluster,
      name,
      storeId: store,
      peerAddress: places.peerAddress,
      apiUrl: `https://${places.httpAddress}`,
      peerRequest: request('node', peerKey, places.peerHosts),
      httpsRequest: request('https', httpsKey, places.httpsHosts),
      probe,
    };
    const joined = await joinCluster({ token, claim, certificate, key: peerKey });
    requireUsable(joined, token, { peerKey, httpsKey });
    return joined;
  } finally {
    await door.close();
  }
};

/** What came back must be what this node can serve with: better now than at its start. */
const requireUsable = (
  { answer }: Joined,
  expected: JoinToken,
  { peerKey, httpsKey }: Pick<JoiningFolder, 'peerKey' | 'httpsKey'>,
): void => {
  const nowMs = systemClock.wallMs();
  const peer = { certificate: answer.peerCertificate, key: peerKey, ca: answer.peerCa };
  checkPeerMaterial(peer, expected, nowMs);
  const { httpsCertificate, clientCa } = answer;
  checkHttpsMaterial({ certificate: httpsCertificate, key: httpsKey, clientCa }, nowMs);
};

/** Starts the node, says when it is a member with everything, stays. */
const start = async (token: JoinToken, folder: NodeFolder, places: Places): Promise<number> => {
  const stop = stopRequest();
  const node = startBeside(token.name, folder);
  try {
    const status = await untilNode(node, folder, stop, ({ ready, members }) => {
      const own = members.find(({ name }) => name === token.name);
      return ready && own !== undefined && own.role !== 'learner';
    });
    if (status !== undefined) {
      const others = status.members.map(({ name, role }) => `${name} (${role})`).join(', ');
      process.stdout.write(`${token.name} is a member: ${others}\n`);
      say(`it serves https://${places.httpAddress}; its log is ${folder.log}`);
      say('Ctrl-C stops it; from now on it starts with:');
      say(`  stockade run --config ${folder.config}`);
    }
    await stayBeside(node, stop);
    return exitCodes.done;
  } catch (error) {
    await stopBeside(node);
    throw error;
  }
};

/** The command. */
export const joinCommand: Command = {
  name: 'join',
  summary: 'make this machine a member of a cluster',
  usage: 'stockade join TOKEN|- [--advertise HOST] [--data DIR] [--no-start]',
  example: 'stockade join - < token.txt',
  takesSettings: false,
  options: [
    {
      name: 'token-file',
      kind: 'text',
      value: 'FILE',
      standard: '',
      meaning: 'read the token from this file',
    },
    {
      name: 'advertise',
      kind: 'text',
      value: 'HOST',
      standard: '',
      meaning: 'the host that others reach this machine by; else the address it dials from',
    },
    {
      name: 'no-start',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'only write the folder; print the command that starts the node',
    },
    dataOption,
    httpPortOption,
    peerPortOption,
  ],
  run,
};

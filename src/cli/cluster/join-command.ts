// `stockade join`: makes this machine a member of the cluster in a token, starts the node and stays
// beside it. Keys are made here and never leave.
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { publicKeyFrom, publicKeyPinOf } from '#certs-tool/key-pair.ts';
import type { Command, CommandInput } from '#cli/command.ts';
import { say } from '#cli/progress.ts';
import { probeBytes } from '#cluster/bounds.ts';
import { type Joined, joinCluster } from '#cluster/join-client.ts';
import { showProbe } from '#cluster/reach-back.ts';
import { type JoinToken, requireUnexpired, tokenFrom } from '#cluster/token.ts';
import { CodedError } from '#errors.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { readPublicText } from '#node/node-files.ts';
import { selfSignedCertificate } from '#tls/self-signed-certificate.ts';
import { addressesOf, hostPortFrom } from '#transport/peer-address.ts';
import { joinCarried, prepareCarried } from './carried-join.ts';
import { completeJoiningFolder, type JoiningFolder, openJoiningFolder } from './joining-folder.ts';
import { keyWordsOf } from './key-words.ts';
import { newcomerRequests } from './newcomer-requests.ts';
import { dataOption, httpPortOption, peerPortOption } from './options.ts';
import { type Places, placesOf } from './places.ts';
import { standardInput } from './standard-input.ts';
import { startMember } from './start-member.ts';
import { requireUsable } from './usable-answer.ts';

const effects = { files: systemFiles, random: cryptoRandom };

const run = async (input: CommandInput): Promise<number> => {
  if (input.given('prepare')) return prepareCarried(input, effects);
  if (input.given('certificate')) return joinCarried(input, effects);
  const token = tokenFrom(await tokenLine(input));
  requireUnexpired(token, systemClock.wallMs());
  const host = input.text('advertise') === '' ? await ownAddress(token) : input.text('advertise');
  const places = placesOf(host, input.whole('http-port'), input.whole('peer-port'));
  const joining = openJoiningFolder(resolve(input.text('data')), token, effects);
  const { answer, by } = await becomeMember(token, places, joining);
  completeJoiningFolder(joining.folder, token, places, answer, effects);
  say(`${by} let ${token.name} in; certificates and configuration are in ${joining.folder.root}`);
  return startMember(token.name, joining.folder, places, input.on('no-start'));
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
      ...newcomerRequests(token, places, { peerKey, httpsKey }),
      probe,
    };
    const joined = await joinCluster({ token, claim, certificate, key: peerKey });
    requireUsable(joined.answer, token, { peerKey, httpsKey });
    return joined;
  } finally {
    await door.close();
  }
};

/** The command. */
export const joinCommand: Command = {
  name: 'join',
  summary: 'make this machine a member of a cluster',
  usage:
    'stockade join TOKEN|- | --prepare NAME --cluster ID --advertise HOST | --certificate FILE',
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
    {
      name: 'prepare',
      kind: 'text',
      value: 'NAME',
      standard: '',
      meaning: 'without a network to the cluster: make keys and a request file to carry to it',
    },
    {
      name: 'cluster',
      kind: 'text',
      value: 'ID',
      standard: '',
      meaning: 'with --prepare: the id of the cluster, as `stockade status` shows it',
    },
    {
      name: 'certificate',
      kind: 'text',
      value: 'FILE',
      standard: '',
      meaning: 'the file that `stockade admit --request` made, in place of a token',
    },
    dataOption,
    httpPortOption,
    peerPortOption,
  ],
  run,
};

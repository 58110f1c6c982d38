// `stockade deny`: shuts out a node or one certificate, at once and until it is lifted. Asks the
// node of this machine, which takes over the leadership if it has to; no CA key is needed.
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import type { DeniedRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { systemFiles } from '#io/file-system.ts';
import { readFolderIdentity, readPublicText } from '#node/node-files.ts';
import { type AdminDeny, adminDeny } from '#node/seams/admin-seam.ts';
import { certificateIdentityOf, keyPinOf, purpose } from '#tls/certificate.ts';
import { canonicalSerial, marksOf } from '#tls/deny-list.ts';
import { openAdminClient } from './admin-client.ts';
import { nodeFolder } from './node-folder.ts';
import { dataOption } from './options.ts';

/** Bytes of a reason: it is in every configuration entry from then on. */
const reasonBytesMax = 200;

type Deniable = AdminDeny['deny'][number];

const run = async (input: CommandInput): Promise<number> => {
  const { data } = nodeFolder(resolve(input.text('data')));
  const what = [...input.words.map(node), ...serialOf(input), ...certificateOf(input, data)];
  const reason = reasonFrom(input);
  if ((what.length === 0) !== input.on('list')) {
    throw new CodedError('usage', 'name the nodes or the certificate to deny', {
      hint: 'For example: stockade deny n3, or --serial HEX, or --certificate FILE; --list alone shows the list',
    });
  }
  const client = await openAdminClient(data);
  try {
    const lift = input.on('lift');
    const denied = await client.ask(adminDeny, {
      deny: lift ? [] : what,
      lift: lift ? what : [],
      reason,
    });
    const lines = input.on('list') ? denied.map(lineOf) : what.map((one) => doneLine(one, lift));
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    return exitCodes.done;
  } finally {
    client.close();
  }
};

const node = (word: string): Deniable => ({ name: nodeNameFrom(word), serial: '', issuer: '' });

const serialOf = (input: CommandInput): readonly Deniable[] => {
  if (!input.given('serial')) return [];
  const serial = canonicalSerial(input.text('serial'));
  if (/^[0-9A-F]{1,40}$/.test(serial)) return [{ name: '', serial, issuer: '' }];
  throw new CodedError('usage', `--serial is ${JSON.stringify(input.text('serial'))}`, {
    hint: 'A serial number is hexadecimal; `stockade-certs inspect FILE` shows it.',
  });
};

const certificateOf = (input: CommandInput, data: string): readonly Deniable[] => {
  if (!input.given('certificate')) return [];
  const { cluster } = readFolderIdentity(data, systemFiles);
  const path = resolve(input.text('certificate'));
  const text = readPublicText(path, systemFiles);
  try {
    return [deniableOf(new X509Certificate(text), path, cluster)];
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new CodedError('certificate_invalid', `${path} holds no certificate`, { cause });
  }
};

/** Denying what shuts out nobody would only look like safety. */
const deniableOf = (certificate: X509Certificate, path: string, cluster: ClusterId): Deniable => {
  const refused = (what: string, hint: string): CodedError =>
    new CodedError('certificate_invalid', `${path} ${what}: denying it would shut out nobody`, {
      hint,
    });
  const identity = certificateIdentityOf(certificate, [purpose.clientAuth]);
  if (identity.kind === 'refused') {
    const isAuthority = identity.reason === 'certificate_authority';
    throw refused(
      isAuthority ? 'is the certificate of an authority' : 'names no node and no user',
      isAuthority
        ? 'Deny what it signed, or replace it: stockade-certs rotate'
        : "Name the certificate of a node's peer port (peer.crt) or of a user.",
    );
  }
  if (identity.cluster !== cluster) {
    throw refused(
      `is of another cluster, ${identity.cluster}`,
      `This one is ${cluster}; see \`stockade-certs inspect\`.`,
    );
  }
  const pin = identity.kind === 'node' ? { keyPin: keyPinOf(certificate) } : {};
  return { name: '', ...marksOf(certificate), ...pin };
};

const reasonFrom = (input: CommandInput): string => {
  const reason = input.text('reason');
  if (Buffer.byteLength(reason) <= reasonBytesMax && /^[^\p{Cc}]*$/u.test(reason)) return reason;
  throw new CodedError('usage', `a reason is one line of at most ${reasonBytesMax} bytes`);
};

const nameOf = ({ name, serial }: Deniable): string =>
  name === '' ? `certificate ${serial}` : name;

const doneLine = (what: Deniable, lifted: boolean): string =>
  lifted
    ? `${nameOf(what)} is denied no longer`
    : `${nameOf(what)} is denied: its connections are cut and none is taken until \`stockade deny --lift\``;

const lineOf = (denial: DeniedRecord): string =>
  [nameOf(denial), new Date(denial.deniedMs).toISOString(), denial.reason].join('  ').trimEnd();

/** The command. */
export const denyCommand: Command = {
  name: 'deny',
  summary: 'shut out a node or a certificate at once, until it is lifted',
  usage:
    'stockade deny NAME...|--serial HEX|--certificate FILE [--reason TEXT] [--lift] [--data DIR]',
  example: 'stockade deny n3 --reason "disk stolen"',
  takesSettings: false,
  options: [
    {
      name: 'serial',
      kind: 'text',
      value: 'HEX',
      standard: '',
      meaning: 'the serial number of one certificate, of a node or a user',
    },
    {
      name: 'certificate',
      kind: 'text',
      value: 'FILE',
      standard: '',
      meaning: 'the certificate itself: its serial number and the authority that signed it',
    },
    {
      name: 'reason',
      kind: 'text',
      value: 'TEXT',
      standard: '',
      meaning: 'kept in the list and told to whoever is turned away',
    },
    {
      name: 'lift',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'let in again what was denied',
    },
    { name: 'list', kind: 'switch', value: '', standard: 'false', meaning: 'show what is denied' },
    dataOption,
  ],
  run,
};

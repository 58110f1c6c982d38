// `inspect`: what a file says: certificates, a request, revocation lists, a key. Judges nothing.
import { createPublicKey } from 'node:crypto';
import { CodedError } from '#errors.ts';
import type { Command } from './command.ts';
import { holderOf, holderText } from './holder.ts';
import { keyPinOf, privateKeyFrom, publicKeyPinOf } from './key-pair.ts';
import { oidClientAuth, oidServerAuth } from './oid.ts';
import { type PemBlock, pemBlocksFrom, pemOf } from './pem.ts';
import { certificateFrom } from './read-certificate.ts';
import { revocationListFrom } from './read-revocation-list.ts';
import { requestContent } from './request.ts';
import { dateText, fields, foreignText } from './show.ts';

interface Part {
  readonly heading: string;
  readonly rows: Readonly<Record<string, string | undefined>>;
}

const list = (texts: readonly string[]): string | undefined =>
  texts.length === 0 ? undefined : texts.map(foreignText).join(', ');

const purposeName = (oid: string): string => {
  if (oid === oidServerAuth) return 'serverAuth';
  return oid === oidClientAuth ? 'clientAuth' : oid;
};

const certificatePart = (pem: string): Part => {
  const view = certificateFrom(pem);
  const { extensions, subject, issuer } = view;
  const holder = holderOf(view)?.holder;
  const { pathLength } = extensions;
  return {
    heading: 'certificate',
    rows: {
      holder: holder === undefined ? undefined : holderText(holder),
      subject: foreignText(subject.commonName ?? ''),
      issuer: foreignText(issuer.commonName ?? ''),
      serial: view.serial,
      'valid from': dateText(view.notBefore),
      'valid until': dateText(view.notAfter),
      ca: extensions.authority ? `yes, path length ${pathLength ?? 'unbounded'}` : 'no',
      'key usage': list(extensions.keyUsage),
      purposes: list(extensions.purposes.map(purposeName)),
      uri: list(extensions.uris),
      hosts: list(extensions.hosts),
      'key id': extensions.keyId,
      'issuer key': extensions.authorityKeyId,
      'key pin': keyPinOf(pem),
    },
  };
};

const requestPart = (block: PemBlock): Part => {
  const { commonName, extensions, keyPin } = requestContent(block.bytes);
  return {
    heading: 'certificate request',
    rows: {
      subject: foreignText(commonName ?? ''),
      ca: extensions.authority ? 'asks to be one' : 'no',
      uri: list(extensions.uris),
      hosts: list(extensions.hosts),
      'key pin': keyPin,
    },
  };
};

const listPart = (block: PemBlock): Part => {
  const view = revocationListFrom(block);
  return {
    heading: 'revocation list',
    rows: {
      issuer: foreignText(view.issuer.commonName ?? ''),
      'issuer key': view.authorityKeyId,
      number: view.number?.toString(),
      'valid from': dateText(view.thisUpdate),
      'valid until': dateText(view.nextUpdate),
      revoked: list(view.serials) ?? 'none',
    },
  };
};

const keyPart = (block: PemBlock): Part => {
  const key = privateKeyFrom(pemOf(block.label, block.bytes));
  return {
    heading: 'private key (not shown)',
    rows: { 'key pin': publicKeyPinOf(createPublicKey(key)) },
  };
};

const partOf = (block: PemBlock): Part => {
  switch (block.label) {
    case 'CERTIFICATE':
      return certificatePart(pemOf(block.label, block.bytes));
    case 'CERTIFICATE REQUEST':
      return requestPart(block);
    case 'X509 CRL':
      return listPart(block);
    case 'PRIVATE KEY':
      return keyPart(block);
    case 'STOCKADE SEALED KEY':
      return { heading: 'private key under a passphrase', rows: {} };
    default:
      return { heading: `${block.label.toLowerCase()} (not read)`, rows: {} };
  }
};

/** Shows what a file says. */
export const inspect: Command = {
  name: 'inspect',
  parameters: 'FILE',
  summary: 'show what a certificate, request, revocation list or key file says',
  example: 'inspect certs/n1/node.crt',
  failure: 'nothing was read',
  words: { min: 1, max: 1 },
  options: {},
  run: (typed, machine) => {
    const [file = ''] = typed.words;
    const blocks = pemBlocksFrom(machine.files.readText(file));
    if (blocks.length === 0) {
      throw new CodedError('certificate_invalid', `${file} holds no PEM text`, {
        hint: 'name a .crt, .csr, .crl or .key file',
      });
    }
    const parts = blocks.map(partOf);
    return {
      data: parts.map(({ heading, rows }) => ({ type: heading, ...rows })),
      lines: parts.flatMap(({ heading, rows }) => fields(heading, rows)),
    };
  },
};

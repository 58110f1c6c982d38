// A private key under a passphrase: scrypt makes the key of AES-256-GCM, which seals the PKCS#8
// bytes. The format is docs/formats/sealed-key.md. (PKCS#8's own encryption as node:crypto
// writes it stretches a passphrase with 2048 rounds only, which is no hindrance to guessing.)
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  type KeyObject,
  scryptSync,
} from 'node:crypto';
import { CodedError } from '#errors.ts';
import { pemBlocksFrom, pemOf } from './pem.ts';
import type { RandomBytes } from './profile.ts';

const label = 'STOCKADE SEALED KEY';
const version = 1;
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
/**
 * Of version 1, fixed: a file cannot ask for less, nor for all memory. 128 MiB, about half a
 * second.
 */
const scryptCost = { N: 2 ** 17, r: 8, p: 1, maxmem: 160 * 1024 * 1024 };

/** ASVS 5 6.2.1: fifteen characters; upper bound so that a wrong file is not hashed whole. */
export const passphraseCharactersMin = 15;
export const passphraseCharactersMax = 1024;

const checked = (passphrase: string): Buffer => {
  const text = passphrase.normalize('NFC');
  if (text.length >= passphraseCharactersMin && text.length <= passphraseCharactersMax) {
    return Buffer.from(text);
  }
  throw new CodedError(
    'config_invalid',
    `a passphrase has ${passphraseCharactersMin} to ${passphraseCharactersMax} characters`,
    { hint: 'take several random words, for example six' },
  );
};

/** Whether a PEM text is a key under a passphrase. */
export const isSealedKey = (pem: string): boolean => pem.includes(`-----BEGIN ${label}-----`);

/**
 * Seals a key (PKCS#8 PEM) under a passphrase.
 *
 * @throws CodedError `config_invalid` when the passphrase is too short or too long
 */
export const sealKey = (key: string, passphrase: string, randomBytes: RandomBytes): string => {
  const header = Buffer.concat([
    Uint8Array.of(version),
    randomBytes(saltBytes),
    randomBytes(nonceBytes),
  ]);
  const cipher = createCipheriv(
    'aes-256-gcm',
    scryptSync(checked(passphrase), header.subarray(1, 1 + saltBytes), 32, scryptCost),
    header.subarray(1 + saltBytes),
  );
  cipher.setAAD(header);
  const plain = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return pemOf(label, Buffer.concat([header, body, cipher.getAuthTag()]));
};

const opened = (bytes: Buffer, passphrase: string): KeyObject => {
  const header = bytes.subarray(0, 1 + saltBytes + nonceBytes);
  const decipher = createDecipheriv(
    'aes-256-gcm',
    scryptSync(checked(passphrase), header.subarray(1, 1 + saltBytes), 32, scryptCost),
    header.subarray(1 + saltBytes),
    { authTagLength: tagBytes },
  );
  decipher.setAAD(header);
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  const plain = Buffer.concat([
    decipher.update(bytes.subarray(header.length, -tagBytes)),
    decipher.final(),
  ]);
  return createPrivateKey({ key: plain, type: 'pkcs8', format: 'der' });
};

/**
 * The key (PKCS#8 PEM) that was sealed.
 *
 * @throws CodedError `certificate_invalid` when the passphrase is wrong or the text was changed
 */
export const unsealKey = (sealed: string, passphrase: string): string => {
  const bytes = pemBlocksFrom(sealed).find((block) => block.label === label)?.bytes;
  if (bytes === undefined || bytes.length <= 1 + saltBytes + nonceBytes + tagBytes) {
    throw new CodedError('certificate_invalid', 'the sealed key is cut off');
  }
  if (bytes[0] !== version) {
    throw new CodedError('certificate_invalid', `a sealed key of version ${bytes[0]} is unknown`, {
      hint: 'use the program that made it, or a newer one',
    });
  }
  try {
    return opened(bytes, passphrase).export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new CodedError('certificate_invalid', 'the passphrase is wrong or the key was changed', {
      cause,
      hint: 'check the passphrase; if it is right, take the key from a backup',
    });
  }
};

// `ca new`: makes the two authorities of a cluster.

import type { AuthorityKind } from './authority.ts';
import { generationView, keyPath, trustPath } from './authority-folder.ts';
import type { Command } from './command.ts';
import { createAuthorityFolder } from './new-authority-folder.ts';
import {
  authorityOption,
  authorityPath,
  clusterFrom,
  clusterOption,
  daysFrom,
  daysOption,
  givenPassphrase,
  kindFrom,
  kindOption,
  passphraseOption,
} from './options.ts';
import { dateText, fields } from './show.ts';

/** Makes an authority folder with the peer CA and the client CA. */
export const caNew: Command = {
  name: 'ca new',
  parameters: '',
  summary: 'make the two CAs of a cluster: one signs nodes, one HTTPS servers and users',
  example: 'ca new --authority authority --passphrase-file passphrase.txt',
  failure: 'no CA was made',
  words: { min: 0, max: 0 },
  options: {
    authority: authorityOption,
    kind: { ...kindOption, help: 'only this one (default: both)' },
    cluster: { ...clusterOption, help: 'cluster id (default: a new random one)' },
    days: daysOption('lifetime of the CAs (default 1825)'),
    'passphrase-file': passphraseOption,
  },
  run: (typed, machine) => {
    const path = authorityPath(typed);
    const [kind, cluster] = [kindFrom(typed), clusterFrom(typed)];
    const [validDays, passphrase] = [daysFrom(typed), givenPassphrase(typed, machine)];
    const kinds: readonly AuthorityKind[] = kind === undefined ? ['peer', 'client'] : [kind];
    const folder = createAuthorityFolder(
      {
        path,
        kinds,
        ...(cluster === undefined ? {} : { cluster }),
        ...(validDays === undefined ? {} : { validDays }),
        ...(passphrase === undefined ? {} : { passphrase }),
      },
      machine,
    );
    const made = kinds.map((one) => {
      const view = generationView(folder, one, 1, machine);
      return {
        kind: one,
        certificate: trustPath(path, one),
        key: keyPath(path, one, 1),
        sealed: passphrase !== undefined,
        keyId: view.extensions.keyId,
        notAfter: view.notAfter,
      };
    });
    return {
      data: { cluster: folder.cluster, authorities: made },
      lines: [
        `cluster ${folder.cluster}`,
        ...made.flatMap((one) =>
          fields(`${one.kind} CA`, {
            certificate: one.certificate,
            key: `${one.key}${one.sealed ? ' (under the passphrase)' : ''}`,
            'key id': one.keyId,
            'valid until': dateText(one.notAfter),
          }),
        ),
      ],
      advice: [
        `keep ${path} off the servers and in a backup`,
        ...(passphrase === undefined ? ['the CA keys are not under a passphrase'] : []),
        'next: `stockade-certs node NAME --host HOST`',
      ],
    };
  },
};

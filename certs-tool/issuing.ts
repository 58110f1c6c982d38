// Issues for a holder out of an authority folder: picks the authority and its generation, signs,
// writes the certificate down, hands it out. The one way by which this program issues.

import { type AuthorityFolder, signingAuthority, stateOf } from './authority-folder.ts';
import type { Machine } from './command.ts';
import type { Holder } from './holder.ts';
import { authorityKindOf, holderText } from './holder.ts';
import { recordIssued } from './inventory.ts';
import { type Issued, type IssueRequest, issueHttps, issueNode, issueUser } from './issue.ts';
import { keyPinOf } from './key-pair.ts';
import { type CertificateView, certificateFrom } from './read-certificate.ts';

/** What is asked for besides the holder. */
export interface Wish {
  /** None for a user. */
  readonly hosts: readonly string[];
  readonly validDays: number | undefined;
  /** The holder's own key (SPKI PEM); undefined for a new one. */
  readonly publicKey: string | undefined;
  /** Called only when the authority's key is sealed. */
  readonly passphrase: () => string;
}

/** A certificate, its key if one was made, and what the certificate says. */
export interface IssuedFor extends Issued {
  readonly view: CertificateView;
  readonly keyPin: string;
}

const issue = (holder: Holder, hosts: readonly string[], request: IssueRequest): Issued => {
  switch (holder.kind) {
    case 'node':
      return issueNode({ ...request, name: holder.name, hosts });
    case 'user':
      return issueUser({ ...request, name: holder.name });
    case 'https':
      return issueHttps({ ...request, hosts });
  }
};

/** @throws CodedError as issueNode, and `config_invalid` when the folder lacks the authority */
export const issueFor = (
  holder: Holder,
  wish: Wish,
  folder: AuthorityFolder,
  machine: Machine,
): IssuedFor => {
  const kind = authorityKindOf(holder);
  const { issuing } = stateOf(folder, kind);
  const issued = issue(holder, wish.hosts, {
    authority: signingAuthority(folder, kind, issuing, wish.passphrase, machine),
    cluster: folder.cluster,
    now: machine.now(),
    randomBytes: machine.randomBytes,
    ...(wish.validDays === undefined ? {} : { validDays: wish.validDays }),
    ...(wish.publicKey === undefined ? {} : { publicKey: wish.publicKey }),
  });
  const view = certificateFrom(issued.certificate);
  const keyPin = keyPinOf(issued.certificate);
  const { serial, notAfter, extensions } = view;
  recordIssued(
    folder,
    {
      serial,
      holder: holderText(holder),
      kind,
      generation: issuing,
      hosts: extensions.hosts,
      notAfter,
      keyPin,
    },
    machine,
  );
  return { ...issued, view, keyPin };
};

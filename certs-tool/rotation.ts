// Replacing a CA without an outage goes in stages: everybody trusts both; everybody gets a
// certificate of the new one; the old one is dropped. In another order links break. This file
// knows the stages and who stands in the way of the next; it changes nothing.
import type { AuthorityKind } from './authority.ts';
import {
  type AuthorityFolder,
  type AuthorityState,
  generationView,
  issuerOf,
  stateOf,
} from './authority-folder.ts';
import type { Machine } from './command.ts';
import { authorityKindOf, type Holder, holderOf, holderText } from './holder.ts';
import type { IssuedRecord } from './inventory.ts';
import { leafPaths } from './leaf-files.ts';
import { type CertificateView, certificatesFrom } from './read-certificate.ts';
import { inForce } from './revoking.ts';

/** Where a rotation stands. */
export type RotationStage = 'settled' | 'trust-both' | 'reissue';

/** The stage is what the state says: one trusted generation, or two and which of them signs. */
export const stageOf = ({ issuing, trusted }: AuthorityState): RotationStage => {
  if (trusted.length === 1) return 'settled';
  return issuing === Math.min(...trusted) ? 'trust-both' : 'reissue';
};

/** The newest certificate of every holder in force. */
export const holdersInForce = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  machine: Machine,
): readonly IssuedRecord[] => {
  const records = inForce(folder, machine).filter((record) => record.kind === kind);
  return [...new Map(records.map((record) => [record.holder, record])).values()];
};

/** A holder that has not done yet what the next stage needs. */
export interface Missing {
  readonly holder: string;
  readonly why: string;
}

const fingerprints = (views: readonly CertificateView[]): ReadonlySet<string> =>
  new Set(views.map(({ certificate }) => certificate.fingerprint256));

/** Certificates of holders under `kind` in a folder. */
const leavesIn = (
  path: string,
  kind: AuthorityKind,
  { files }: Machine,
): readonly { readonly holder: Holder; readonly view: CertificateView }[] =>
  files
    .namesIn(path)
    .filter((name) => name.endsWith('.crt'))
    .flatMap((name) => certificatesFrom(files.readText(`${path}/${name}`)).slice(0, 1))
    .flatMap((view) => {
      const holder = holderOf(view)?.holder;
      return holder !== undefined && authorityKindOf(holder) === kind ? [{ holder, view }] : [];
    });

/** Holders whose folder shows that they are ready for the stage after this one. */
const provenBy = (
  path: string,
  folder: AuthorityFolder,
  kind: AuthorityKind,
  machine: Machine,
): readonly string[] => {
  const state = stateOf(folder, kind);
  return leavesIn(path, kind, machine)
    .filter(({ holder, view }) => {
      if (stageOf(state) === 'reissue') {
        return issuerOf(view, folder, machine)?.generation === state.issuing;
      }
      const trust = leafPaths(path, holder).trust;
      if (machine.files.stateOf(trust) === undefined) return false;
      const trusted = fingerprints(certificatesFrom(machine.files.readText(trust)));
      return state.trusted.every((generation) => {
        const { certificate } = generationView(folder, kind, generation, machine);
        return trusted.has(certificate.fingerprint256);
      });
    })
    .map(({ holder }) => holderText(holder));
};

/** What the operator brings forward: folders to look into, and holders to take his word for. */
export interface Evidence {
  readonly folders: readonly string[];
  readonly confirmed: readonly string[];
}

/** Who stands in the way of the next stage; nobody when a rotation has not begun. */
export const missingFor = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  { folders, confirmed }: Evidence,
  machine: Machine,
): readonly Missing[] => {
  const state = stateOf(folder, kind);
  const stage = stageOf(state);
  if (stage === 'settled') return [];
  const ready = new Set([
    ...confirmed,
    ...folders.flatMap((path) => provenBy(path, folder, kind, machine)),
  ]);
  return holdersInForce(folder, kind, machine).flatMap(({ holder, generation }) => {
    if (stage === 'reissue' && generation !== state.issuing) {
      return [{ holder, why: 'has no certificate of the new CA' }];
    }
    if (ready.has(holder)) return [];
    const why =
      stage === 'reissue'
        ? 'is not known to use its new certificate'
        : 'is not known to trust the new CA';
    return [{ holder, why }];
  });
};

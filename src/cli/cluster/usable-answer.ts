// What a newcomer was given must be what its node can serve with: better now than at its start.
import type { JoinAnswer } from '#cluster/join-messages.ts';
import { systemClock } from '#io/clock.ts';
import { checkHttpsMaterial, checkPeerMaterial } from '#tls/check-material.ts';
import type { JoiningFolder } from './joining-folder.ts';
import type { NewcomerName } from './newcomer-requests.ts';

/** @throws CodedError `certificate_invalid`, `certificate_expired` with what is wrong */
export const requireUsable = (
  answer: Omit<JoinAnswer, 'authFile' | 'clusterRecord'>,
  expected: NewcomerName,
  { peerKey, httpsKey }: Pick<JoiningFolder, 'peerKey' | 'httpsKey'>,
): void => {
  const nowMs = systemClock.wallMs();
  const peer = { certificate: answer.peerCertificate, key: peerKey, ca: answer.peerCa };
  checkPeerMaterial(peer, expected, nowMs);
  const { httpsCertificate, clientCa } = answer;
  checkHttpsMaterial({ certificate: httpsCertificate, key: httpsKey, clientCa }, nowMs);
};

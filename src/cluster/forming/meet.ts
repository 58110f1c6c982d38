// Two nodes meet: one dials an address, both prove by their certificates that they are nodes of the
// cluster, each says one thing, and the connection ends. It tells who is at an address; it makes
// nobody a member.
import { connect, type TLSSocket } from 'node:tls';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import { identifyPeer, type ProvedNode } from '#tls/peer-identity.ts';
import { meetAlpn, meetDialOptions, type PeerMaterial } from '#tls/tls-options.ts';
import { FrameLink, frameOf } from '#transport/frame-link.ts';
import {
  decodeIntroduction,
  encodeIntroduction,
  type Introduction,
  introductionBytesMax,
} from './introduction.ts';

/** Dial, handshake, question and answer. */
const meetTimeoutMs = 5000;
/** The one kind of frame. */
const introductionFrame = 1;

/** A connection of somebody who wants to meet this node. */
export type MeetingSocket = TLSSocket;

/** A node that was met. */
export interface Met {
  readonly name: NodeName;
  readonly keyPin: string;
  readonly says: Introduction;
}

/** Whom this node is. */
export interface MeetContext {
  readonly cluster: ClusterId;
  readonly material: () => PeerMaterial;
}

/** Meets whoever is at host and port; a text says why nobody was met. */
export const meetAt = (
  host: string,
  port: number,
  own: Introduction,
  { cluster, material }: MeetContext,
): Promise<Met | string> =>
  new Promise((resolve) => {
    const socket = connect({ ...meetDialOptions(material()), host, port });
    let why = 'it hung up without a word';
    const overdue = setTimeout(() => {
      why = 'it does not answer';
      socket.destroy();
    }, meetTimeoutMs);
    let proved: ProvedNode | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const { authorizationError } = socket;
      why = authorizationError
        ? `it is no node of this cluster (${String(authorizationError)})`
        : (error.code ?? error.message);
    });
    socket.once('close', () => {
      clearTimeout(overdue);
      resolve(why);
    });
    socket.once('secureConnect', () => {
      const peer = identifyPeer(socket, { cluster, name: undefined, protocol: meetAlpn });
      if (peer.kind === 'refused') {
        why = `it is no node of this cluster (${peer.reason})`;
        socket.destroy();
        return;
      }
      proved = peer;
      socket.write(frameOf(introductionFrame, encodeIntroduction(own)));
    });
    hearOne(
      socket,
      (payload) => {
        const says = decodeIntroduction(payload);
        if (proved === undefined) return;
        if (says === undefined) why = 'what it says cannot be read';
        else resolve({ name: proved.name, keyPin: proved.keyPin, says });
        socket.destroy();
      },
      (what) => {
        why = what;
        socket.destroy();
      },
    );
  });

/** Answers whoever dialled; `answer` may take its time, but not longer than the dialler waits. */
export const answerMeeting = (
  socket: MeetingSocket,
  { name, keyPin }: ProvedNode,
  answer: (met: Met) => Introduction,
): void => {
  const overdue = setTimeout(() => socket.destroy(), meetTimeoutMs);
  socket.on('error', () => undefined);
  socket.once('close', () => clearTimeout(overdue));
  hearOne(
    socket,
    (payload) => {
      const says = decodeIntroduction(payload);
      if (says === undefined) socket.destroy();
      else {
        socket.end(frameOf(introductionFrame, encodeIntroduction(answer({ name, keyPin, says }))));
      }
    },
    () => socket.destroy(),
  );
};

const hearOne = (
  socket: TLSSocket,
  onHeard: (payload: Buffer) => void,
  onBroken: (why: string) => void,
): void => {
  new FrameLink(socket, {
    frameBytesMax: introductionBytesMax,
    monotonicMs: () => performance.now(),
    onChunkEnd: () => undefined,
    onBroken,
    onFrame: (kind, payload) => {
      if (kind === introductionFrame) onHeard(Buffer.from(payload));
      else onBroken('it says something else');
      return false;
    },
  });
};

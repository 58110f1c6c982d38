// A file in pieces, so that a large one never is in memory as a whole.
import { invariant } from '#invariant.ts';
import type { OpenFile } from '#io/file-system.ts';

/** The first `bytes` of a file; each piece is a buffer of its own. */
export function* piecesOf(file: OpenFile, bytes: number, pieceBytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes; at += pieceBytes) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, bytes - at));
    invariant(file.read(piece, at) === piece.length, 'a file of our own does not shrink');
    yield piece;
  }
}

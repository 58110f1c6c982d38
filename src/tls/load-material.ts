// Reads the files that configuration names and checks what they hold. How a file is read (and that
// its owner and mode are safe) is the caller's part.
import { checkHttpsMaterial, checkPeerMaterial, type ExpectedNode } from './check-material.ts';
import type { HttpsMaterial, PeerMaterial } from './tls-options.ts';

/** Returns a file's text; throws a CodedError when it cannot or must not be read. */
export type ReadFile = (path: string) => string;

/** Paths of the peer port's files. */
export interface PeerPaths {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/** Paths of the API's files. */
export interface HttpsPaths {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

/**
 * What the peer port presents and trusts.
 *
 * @throws CodedError `certificate_invalid`, and what `readFile` throws
 */
export const loadPeerMaterial = (
  paths: PeerPaths,
  readFile: ReadFile,
  expected: ExpectedNode,
  nowMs: number,
): PeerMaterial => {
  const material = {
    certificate: readFile(paths.certificate),
    key: readFile(paths.key),
    ca: readFile(paths.ca),
  };
  checkPeerMaterial(material, expected, nowMs);
  return material;
};

/**
 * What the API presents and trusts.
 *
 * @throws CodedError `certificate_invalid`, and what `readFile` throws
 */
export const loadHttpsMaterial = (
  paths: HttpsPaths,
  readFile: ReadFile,
  nowMs: number,
): HttpsMaterial => {
  const material = {
    certificate: readFile(paths.certificate),
    key: readFile(paths.key),
    clientCa: paths.clientCa === undefined ? undefined : readFile(paths.clientCa),
  };
  checkHttpsMaterial(material, nowMs);
  return material;
};

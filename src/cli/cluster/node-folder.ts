// Where things are in the folder that `stockade init` and `stockade join` make for one node.
import { join } from 'node:path';

/** Paths of one node. Those of the authorities and of the administrator are on the first only. */
export interface NodeFolder {
  readonly root: string;
  readonly config: string;
  readonly data: string;
  readonly certs: string;
  readonly log: string;
  readonly auth: string;
  readonly authority: string;
  readonly adminPassword: string;
  readonly adminCertificate: string;
  readonly adminKey: string;
}

/** The folder a command works on unless told otherwise. */
export const standardFolder = './stockade';

/** The paths in `root`. */
export const nodeFolder = (root: string): NodeFolder => ({
  root,
  config: join(root, 'node.yaml'),
  data: join(root, 'data'),
  certs: join(root, 'certs'),
  log: join(root, 'node.log'),
  auth: join(root, 'auth.json'),
  authority: join(root, 'authority'),
  adminPassword: join(root, 'admin.password'),
  adminCertificate: join(root, 'admin.crt'),
  adminKey: join(root, 'admin.key'),
});

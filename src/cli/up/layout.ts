// Where things are in the folder of `stockade up`.
import { join } from 'node:path';

/** Paths of one node in the folder. */
export interface NodeLayout {
  readonly name: string;
  readonly folder: string;
  readonly config: string;
  readonly data: string;
  readonly certs: string;
  readonly log: string;
  readonly httpPort: number;
  readonly peerPort: number;
}

/** Paths of the whole folder. */
export interface UpLayout {
  readonly root: string;
  /** What made the folder and how: the mark that it is ours. */
  readonly mark: string;
  readonly clusterFile: string;
  readonly authority: string;
  readonly httpsCa: string;
  readonly peerCa: string;
  readonly auth: string;
  readonly adminPassword: string;
  readonly adminCertificate: string;
  readonly adminKey: string;
  readonly nodes: readonly NodeLayout[];
}

const portsPerNode = 10;

/** Node i (from 1) has HTTPS on base + 10 (i - 1) and its peer port on the next one. */
export const upLayout = (root: string, count: number, portBase: number): UpLayout => ({
  root,
  mark: join(root, 'up.json'),
  clusterFile: join(root, 'cluster.json'),
  authority: join(root, 'authority'),
  httpsCa: join(root, 'https-ca.crt'),
  peerCa: join(root, 'peer-ca.crt'),
  auth: join(root, 'auth.json'),
  adminPassword: join(root, 'admin.password'),
  adminCertificate: join(root, 'admin.crt'),
  adminKey: join(root, 'admin.key'),
  nodes: Array.from({ length: count }, (_, at) => {
    const name = `n${at + 1}`;
    const folder = join(root, name);
    return {
      name,
      folder,
      config: join(folder, 'node.yaml'),
      data: join(folder, 'data'),
      certs: join(folder, 'certs'),
      log: join(folder, 'node.log'),
      httpPort: portBase + portsPerNode * at,
      peerPort: portBase + portsPerNode * at + 1,
    };
  }),
});

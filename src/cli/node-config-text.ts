// The configuration file of a node whose folder a command made.

/** What differs from node to node; addresses as host:port. */
export interface NodeConfigChoices {
  readonly madeBy: string;
  readonly name: string;
  readonly httpListen: string;
  readonly peerListen: string;
  /** Left out where it is the address listened on. */
  readonly httpAdvertise?: string;
  readonly peerAdvertise?: string;
  readonly authFile: string;
  /** Of the whole cluster; left out where it is off. */
  readonly foreignKeys?: boolean;
}

const advertised = (address: string | undefined): string =>
  address === undefined ? '' : `  advertise: '${address}'\n`;

/** The text of node.yaml. Addresses are quoted: YAML reads `[` as the start of a list. */
export const nodeConfigText = (choices: NodeConfigChoices): string =>
  `# Made by \`${choices.madeBy}\`. Paths are relative to this file.
node:
  name: '${choices.name}'
  data: data
http:
  listen: '${choices.httpListen}'
${advertised(choices.httpAdvertise)}  certificate: certs/https.crt
  key: certs/https.key
  clientCa: certs/client-ca.crt
peer:
  listen: '${choices.peerListen}'
${advertised(choices.peerAdvertise)}  certificate: certs/peer.crt
  key: certs/peer.key
  ca: certs/peer-ca.crt
auth:
  file: ${choices.authFile}
${choices.foreignKeys === true ? 'db:\n  foreignKeys: true\n' : ''}`;

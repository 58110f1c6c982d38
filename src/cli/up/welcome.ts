// What `stockade up` prints when all nodes serve: commands that can be pasted.
import type { UpLayout } from './layout.ts';

const quoted = (path: string): string =>
  /^[A-Za-z0-9_./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

/** The text for standard output. */
export const welcomeText = (layout: UpLayout, resumed: boolean): string => {
  const [first, second = first] = layout.nodes;
  if (first === undefined || second === undefined) return '';
  const count = layout.nodes.length;
  const curl = (port: number, path: string, rest: string): string =>
    `  curl --cacert ${quoted(layout.httpsCa)} -u "admin:$(cat ${quoted(layout.adminPassword)})" \\\n` +
    `    https://127.0.0.1:${port}${path}${rest}\n`;
  const body = (json: string): string =>
    ` \\\n    -H 'Content-Type: application/json' -d '${json}'`;
  const nodes = layout.nodes
    .map(({ name, httpPort }) => `  ${name}  https://127.0.0.1:${httpPort}\n`)
    .join('');
  return (
    `\nStockade ${resumed ? 'is running again' : 'is running'}: ` +
    `${count} ${count === 1 ? 'node' : 'nodes'}, HTTPS, ` +
    `mutual TLS 1.3 between nodes, one administrator.\n\n${nodes}\n` +
    `Everything is in ${layout.root}\n\n` +
    `Create a table:\n\n${curl(first.httpPort, '/db/execute', body('["CREATE TABLE IF NOT EXISTS greeting (id INTEGER PRIMARY KEY, text TEXT)"]'))}\n` +
    `Insert a row:\n\n${curl(first.httpPort, '/db/execute', body('[["INSERT INTO greeting (text) VALUES (?)", "hello"]]'))}\n` +
    `Read it ${count === 1 ? 'back' : 'from another node'}:\n\n${curl(second.httpPort, "/db/query -G --data-urlencode 'q=SELECT * FROM greeting'", '')}\n` +
    'Ctrl-C stops everything cleanly; the same command resumes it with its data.\n'
  );
};

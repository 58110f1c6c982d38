// Runs published clients of rqlite, unchanged, against a cluster of three on loopback: HTTPS, Basic
// credentials, the CA that `stockade up` made. They come from their registries into a temporary
// folder, so this needs a network; python3, go and npm that are absent are skipped and said.
//
//   node tools/clients/run.mjs
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNode, root } from '../find-node.mjs';

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'stockade-clients-'));
const versions = {
  pyrqlite: '2.2.3',
  'sqlalchemy-rqlite': '2.0',
  gorqlite: 'v0.0.0-20261020015727-7224ce2bd419',
  'rqlite-client': '1.0.0',
};

const up = spawn(
  findNode(),
  [
    join(root, 'src/cli/main.ts'),
    'up',
    '--data',
    join(folder, 'cluster'),
    '--port-base',
    process.argv[2] ?? '24001',
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
await new Promise((resolve, reject) => {
  let said = '';
  up.stdout.on('data', (chunk) => {
    said += chunk;
    if (said.includes('Ctrl-C stops everything')) resolve();
  });
  up.once('exit', () => reject(new Error(`stockade up ended: ${said}`)));
});
const cluster = JSON.parse(readFileSync(join(folder, 'cluster/cluster.json'), 'utf8'));
const password = readFileSync(cluster.admin.passwordFile, 'utf8').trim();
const nodes = cluster.nodes.map(({ url }) => url.replace('https://', ''));
const urls = nodes.map((node) => `https://admin:${encodeURIComponent(password)}@${node}`);
const [host, port] = nodes[1].split(':');
const env = {
  ...process.env,
  SSL_CERT_FILE: cluster.ca,
  NODE_EXTRA_CA_CERTS: cluster.ca,
};
// What installs trusts the registries, not this cluster.
const installing = { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] };
const outcomes = {};

const has = (command) => spawnSync(command, ['version'], { stdio: 'ignore' }).error === undefined;

const attempt = (name, steps) => {
  for (const [command, words, options] of steps) {
    const { status } = spawnSync(command, words, options ?? installing);
    if (status !== 0) {
      outcomes[name] = `failed: ${command} ${words.join(' ')}`;
      return;
    }
  }
  outcomes[name] = `ok (${versions[name]})`;
};

const checking = { cwd: folder, env, stdio: 'inherit' };
if (has('python3')) {
  const python = join(folder, 'venv/bin/python');
  spawnSync('python3', ['-m', 'venv', join(folder, 'venv')], installing);
  attempt('pyrqlite', [
    [python, ['-m', 'pip', 'install', '-q', `pyrqlite==${versions.pyrqlite}`]],
    [python, [join(here, 'check_pyrqlite.py'), host, port, 'admin', password], checking],
  ]);
  // pyrqlite's pin alone: the dialect takes whatever SQLAlchemy it works with.
  attempt('sqlalchemy-rqlite', [
    [
      python,
      [
        '-m',
        'pip',
        'install',
        '-q',
        `sqlalchemy-rqlite==${versions['sqlalchemy-rqlite']}`,
        'sqlalchemy==2.1.9',
      ],
    ],
    [python, [join(here, 'check_sqlalchemy.py'), host, port, 'admin', password], checking],
  ]);
} else outcomes.python = 'skipped: no python3 here';
if (has('go')) {
  const go = join(folder, 'go');
  cpSync(join(here, 'gorqlite'), go, { recursive: true });
  attempt('gorqlite', [
    ['go', ['mod', 'init', 'check'], { ...installing, cwd: go, stdio: 'ignore' }],
    [
      'go',
      ['get', `github.com/rqlite/gorqlite@${versions.gorqlite}`],
      { ...installing, cwd: go, stdio: 'ignore' },
    ],
    ['go', ['build', '-o', 'check', '.'], { ...installing, cwd: go }],
    [join(go, 'check'), [urls[1]], checking],
  ]);
} else outcomes.go = 'skipped: no go here';
if (has('npm')) {
  cpSync(join(here, 'check-rqlite-client.cjs'), join(folder, 'check.cjs'));
  attempt('rqlite-client', [
    [
      'npm',
      [
        'install',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        `rqlite-client@${versions['rqlite-client']}`,
      ],
    ],
    [process.execPath, ['check.cjs', ...urls], checking],
  ]);
} else outcomes.npm = 'skipped: no npm here';

const ended = new Promise((resolve) => up.once('exit', resolve));
up.kill('SIGINT');
await ended;
if (existsSync(folder)) rmSync(folder, { recursive: true });
for (const [name, outcome] of Object.entries(outcomes))
  process.stdout.write(`${name}: ${outcome}\n`);
process.exitCode = Object.values(outcomes).some((one) => one.startsWith('failed')) ? 1 : 0;

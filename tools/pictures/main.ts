// Makes the pictures in docs/pictures: the board with the numbers of a real cluster under load, the
// shell in a real pseudo-terminal, `status --watch`. Needs Prometheus, Chromium (headless) and
// `script`, as Debian has them.
//
//   node tools/run.mjs tools/pictures/main.ts --seconds 120 [--shell-only | --console-only FOLDER]
//     [--port-base PORT]
//
// With `--console-only` the console's other pictures (narrow, dark) go to a folder, to be looked
// at.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Load } from '../soak/load.ts';
import { Nodes, pause } from '../soak/nodes.ts';
import { boardPage, type Panel } from './board.ts';
import { consoleShots } from './console.ts';
import { Screen, screenPage } from './screen.ts';

const prometheusFile = '/usr/bin/prometheus';
const chromiumFile = '/usr/bin/chromium';
const scriptFile = '/usr/bin/script';
const pictureBytesMax = 300 * 1024;
const prometheusPort = 36_190;

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'src', 'cli', 'main.ts');
const target = join(root, 'docs', 'pictures');
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    'shell-only': { type: 'boolean', default: false },
    'console-only': { type: 'string' },
    'port-base': { type: 'string', default: '36001' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'stockade-pictures-'));

interface Page {
  readonly html: string;
  readonly width: number;
  readonly height: number;
}

/** Renders a page with a browser without a window. */
const takePicture = (name: string, { html, width, height }: Page): void => {
  const page = join(folder, `${name}.html`);
  writeFileSync(page, html);
  const file = join(target, `${name}.png`);
  const words = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars'],
    ...[`--user-data-dir=${join(folder, 'browser')}`, `--window-size=${width},${height}`],
    ...[`--screenshot=${file}`, `file://${page}`],
  ];
  const { status, stderr } = spawnSync(chromiumFile, words, { timeout: 120_000 });
  if (status !== 0) throw new Error(`chromium: ${stderr.toString().slice(-500)}`);
  const { size } = statSync(file);
  if (size > pictureBytesMax) throw new Error(`${file} is ${size} bytes`);
  process.stdout.write(`${file}: ${size} bytes\n`);
};

/** What a command shows in a pseudo-terminal; lines are typed one after the other. */
const shown = async (
  words: readonly string[],
  typed: readonly string[],
  restMs: number,
): Promise<string> => {
  const options = '--disable-warning=ExperimentalWarning';
  const command = ['stty cols 112 rows 40;', process.execPath, options, program, ...words].join(
    ' ',
  );
  const child = spawn(scriptFile, ['-qfc', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: '/usr/bin:/bin', TERM: 'xterm', HOME: folder },
  });
  const screen = new Screen();
  child.stdout.on('data', (chunk: Buffer) => screen.write(chunk.toString()));
  await pause(restMs);
  for (const line of typed) {
    child.stdin.write(`${line}\r`);
    await pause(restMs / 2);
  }
  const { text } = screen;
  child.kill();
  return text;
};

const scraper = (nodes: Nodes): ChildProcess => {
  const password = join(folder, 'password');
  const first = nodes.folderOf(0);
  writeFileSync(password, readFileSync(join(first, 'admin.password'), 'utf8').trim(), {
    mode: 0o600,
  });
  const targets = nodes.all.map(
    (at) => `
      - targets: ['127.0.0.1:${nodes.portBase + 10 * at}']
        labels: { instance: n${at + 1} }`,
  );
  const file = join(folder, 'prometheus.yaml');
  writeFileSync(
    file,
    `global: { scrape_interval: 2s }
scrape_configs:
  - job_name: stockade
    scheme: https
    tls_config: { ca_file: ${join(first, 'certs', 'client-ca.crt')} }
    basic_auth: { username: admin, password_file: ${password} }
    static_configs:${targets.join('')}
`,
  );
  const words = [
    ...[`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'prometheus')}`],
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
  ];
  return spawn(prometheusFile, words, { stdio: 'ignore' });
};

const typedInShell = [
  'CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT, year INTEGER);',
  "INSERT INTO book(title, year) VALUES ('The Sea', 2005), ('Stoner', 1965);",
  'SELECT * FROM book',
  'WHERE year < 2000;',
  '.mode json',
  'SELECT title FROM book;',
  '.tables',
  '.nodes',
];

const shellPicture = async (nodes: Nodes): Promise<void> => {
  const words = ['shell', '--server', nodes.folderOf(0)];
  takePicture('shell', screenPage(await shown(words, typedInShell, 8000)));
};

const boardPictures = async (nodes: Nodes): Promise<void> => {
  const prometheus = scraper(nodes);
  const from = Date.now() / 1000;
  const load = await Load.start(nodes, 6, (what) => process.stderr.write(`${what}\n`));
  const third = (Number(values.seconds) * 1000) / 3;
  await pause(third);
  // Something to see in the last row of the board.
  await nodes.end(1, 'SIGKILL');
  nodes.start(1);
  await nodes.serves(1);
  await nodes.stockade('transfer', 'n3', '--data', nodes.folderOf(0));
  await pause(third);
  const first = nodes.folderOf(0);
  const watch = await shown(['status', '--watch', '--data', first], [], 15_000);
  await pause(third);
  const { panels } = JSON.parse(
    readFileSync(join(root, 'config', 'grafana', 'stockade.json'), 'utf8'),
  ) as { readonly panels: readonly Panel[] };
  const label =
    'Drawn by tools/pictures from the questions of config/grafana/stockade.json and the answers of a real Prometheus; not by Grafana. Rates are over 20 seconds here.';
  const source = { port: prometheusPort, from, to: Date.now() / 1000 };
  const board = await boardPage(panels, source, label);
  await load.stop();
  prometheus.kill();
  takePicture('board', board);
  takePicture('status-watch', screenPage(watch));
};

/** Pictures that the pages show. */
const shownShots: ReadonlySet<string> = new Set(['console', 'console-cluster']);

const consolePictures = async (nodes: Nodes): Promise<void> => {
  const password = readFileSync(join(nodes.folderOf(0), 'admin.password'), 'utf8').trim();
  const shots = await consoleShots(`https://127.0.0.1:${nodes.portBase}`, {
    username: 'admin',
    password,
  });
  const aside = values['console-only'] ?? folder;
  for (const { name, png } of shots) {
    const file = join(shownShots.has(name) ? target : aside, `${name}.png`);
    if (png.length > pictureBytesMax) throw new Error(`${file} is ${png.length} bytes`);
    writeFileSync(file, png);
    process.stdout.write(`${file}: ${png.length} bytes\n`);
  }
};

const nodes = new Nodes(folder, Number(values['port-base']), {
  stockade: program,
  certs: join(root, 'certs-tool', 'main.ts'),
});
try {
  mkdirSync(target, { recursive: true });
  const numbers = values['shell-only'] ? [1] : [1, 2, 3];
  await nodes.form(numbers.map((number) => join(folder, `n${number}`)));
  const onlyConsole = values['console-only'] !== undefined;
  if (!values['shell-only']) await consolePictures(nodes);
  if (!values['shell-only'] && !onlyConsole) await boardPictures(nodes);
  if (!onlyConsole) await shellPicture(nodes);
} finally {
  await nodes.stop();
  rmSync(folder, { recursive: true, force: true });
}

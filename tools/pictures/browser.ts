// A browser without a window, driven over Chromium's DevTools protocol: opens a page, answers its
// question for a login, types, presses, looks, takes a picture. As much as the console's picture
// and its test need.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian has it. */
export const chromiumFile = '/usr/bin/chromium';

/** Opening a browser and waiting for a page: long, because machines may be loaded. */
const patienceMs = 120_000;
const lookMs = 50;
/** A browser that is forgotten ends by itself. */
const browserMsMax = 600_000;

type Parameters = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Parameters;
  readonly result?: Parameters;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

interface Waiting {
  readonly resolve: (result: Parameters) => void;
  readonly reject: (error: Error) => void;
}

/** Who the browser says it is, when a server asks. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** The address that a starting browser writes to its standard error. */
const addressOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`chromium ended: ${text.slice(-500)}`)));
  });

const opened = (address: string): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    socket.addEventListener('open', () => resolve(socket));
    socket.addEventListener('error', () => reject(new Error(`no answer at ${address}`)));
  });

/** One browser with one page. */
export class Browser {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #login: Login;
  #session = '';
  #asked = 0;
  /** Errors of scripts, and what the page's own policy refused, as the browser words them. */
  readonly complaints: string[] = [];
  /** Addresses of everything that the page asked for. */
  readonly requested: string[] = [];

  private constructor(child: ChildProcess, folder: string, socket: WebSocket, login: Login) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    this.#login = login;
    socket.addEventListener('message', ({ data }) => {
      this.#hear(JSON.parse(String(data)) as Message);
    });
  }

  /** Starts a browser that takes any certificate: what is shown is a server of this machine. */
  static async open(login: Login): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'stockade-browser-'));
    const words = [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars'],
      ...['--ignore-certificate-errors', '--disable-background-networking', '--no-first-run'],
      ...[`--user-data-dir=${folder}`, '--remote-debugging-port=0', 'about:blank'],
    ];
    const child = spawn(chromiumFile, words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: browserMsMax,
    });
    const browser = new Browser(child, folder, await opened(await addressOf(child)), login);
    const { targetId } = await browser.#call('Target.createTarget', { url: 'about:blank' });
    const attached = { targetId, flatten: true };
    const { sessionId } = await browser.#call('Target.attachToTarget', attached);
    browser.#session = String(sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) {
      await browser.#call(`${domain}.enable`, {});
    }
    await browser.#call('Fetch.enable', { handleAuthRequests: true });
    return browser;
  }

  /** The size of the page, CSS pixels, and whether its user prefers dark colours. */
  async show(width: number, height: number, dark: boolean): Promise<void> {
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.#call('Emulation.setDeviceMetricsOverride', size);
    const value = dark ? 'dark' : 'light';
    const features = [{ name: 'prefers-color-scheme', value }];
    await this.#call('Emulation.setEmulatedMedia', { features });
  }

  /** Goes to an address. */
  async go(url: string): Promise<void> {
    await this.#call('Page.navigate', { url });
  }

  /** What an expression is in the page; promises are waited for. */
  async value(expression: string): Promise<unknown> {
    const asked = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', asked);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value?: unknown }).value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string): Promise<void> {
    const end = performance.now() + patienceMs;
    for (;;) {
      // While a page is being replaced there is nowhere to look.
      const value = await this.value(`Boolean(${expression})`).catch(() => false);
      if (value === true) return;
      if (performance.now() > end) {
        const text = await this.value('document.body.innerText').catch(() => '');
        throw new Error(`in vain: ${expression}; ${this.complaints.join('; ')}; ${String(text)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  /** Types a text where the page's attention is. */
  async type(text: string): Promise<void> {
    await this.#call('Input.insertText', { text });
  }

  /** Presses Enter, with the control key or without. */
  async pressEnter(control: boolean): Promise<void> {
    const key = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 };
    const modifiers = control ? 2 : 0;
    for (const type of ['keyDown', 'keyUp']) {
      await this.#call('Input.dispatchKeyEvent', { type, modifiers, ...key });
    }
  }

  /** Chooses a file where the page asks for one. */
  async choose(selector: string, file: string): Promise<void> {
    const { root } = await this.#call('DOM.getDocument', {});
    const { nodeId } = root as { readonly nodeId: number };
    const found = await this.#call('DOM.querySelector', { nodeId, selector });
    await this.#call('DOM.setFileInputFiles', { nodeId: found['nodeId'], files: [file] });
  }

  /** What is seen, as a PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#call('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  /** Ends the browser. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#socket.close();
    this.#child.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #call(method: string, params: Parameters): Promise<Parameters> {
    this.#asked += 1;
    const id = this.#asked;
    const session = this.#session === '' ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #hear({ id, method, params = {}, result, error }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result ?? {});
      else waiting?.reject(new Error(error.message));
      return;
    }
    if (method === 'Fetch.requestPaused') this.#answer('Fetch.continueRequest', params, {});
    else if (method === 'Fetch.authRequired') {
      const { username, password } = this.#login;
      const authChallengeResponse = { response: 'ProvideCredentials', username, password };
      this.#answer('Fetch.continueWithAuth', params, { authChallengeResponse });
    } else if (method === 'Network.requestWillBeSent') {
      this.requested.push((params as { readonly request: { readonly url: string } }).request.url);
    } else if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params));
    else if (method === 'Log.entryAdded') {
      const { level, text } = (params as { readonly entry: Readonly<Record<string, string>> })
        .entry;
      if (level === 'error') this.complaints.push(text ?? '');
    }
  }

  #answer(method: string, { requestId }: Parameters, more: Parameters): void {
    // A page that is left takes its requests with it.
    this.#call(method, { requestId, ...more }).catch(() => {});
  }
}

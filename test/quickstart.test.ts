import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './support/browser.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The gateway, its admin port and the twelve services. */
const PORTS = 14;

/** `npm start`, without npm, with ports of its own. */
class Start {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  readonly #printed: Promise<void>;
  readonly #waiting = new Map<string, () => void>();

  constructor(first: number) {
    this.#child = spawn(process.execPath, [join(root, 'scripts', 'start.mjs')], {
      env: {
        ...process.env,
        PORT: String(first),
        ADMIN_PORT: String(first + 1),
        SERVICES_PORT: String(first + 2),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = once(this.#child, 'exit');
    const streams = [this.#child.stdout, this.#child.stderr].map(async (stream) => {
      assert.ok(stream);
      for await (const line of createInterface({ input: stream })) {
        this.lines.push(line);
        for (const [text, found] of this.#waiting) if (line.includes(text)) found();
      }
    });
    this.#printed = Promise.all(streams).then(() => undefined);
  }

  /** Waits for a line that holds the text; fails when the process ends without one. */
  async line(text: string): Promise<string> {
    const found = new Promise<void>((resolve) => {
      this.#waiting.set(text, resolve);
    });
    const seen = () => this.lines.find((line) => line.includes(text));
    if (seen() === undefined) await Promise.race([found, this.#printed]);
    this.#waiting.delete(text);
    return seen() ?? assert.fail(`not printed: ${text}\n${this.lines.join('\n')}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The status that it ended with, after everything was printed. */
  async ended(): Promise<unknown> {
    const [status] = await this.#ended;
    await this.#printed;
    return status;
  }
}

/** The first of so many free ports in a row, below those that the system gives to anyone. */
async function freePorts(count: number): Promise<number> {
  for (let first = 20_000 + ((process.pid * 16) % 10_000); first < 32_000; first += 16) {
    const free = await Promise.all(Array.from({ length: count }, (_, at) => isFree(first + at)));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function stillListening(first: number): Promise<number[]> {
  const ports = Array.from({ length: PORTS }, (_, at) => first + at);
  const listening = await Promise.all(ports.map(isListening));
  return ports.filter((_, at) => listening[at]);
}

describe('npm start', () => {
  let first: number;
  let start: Start;
  let at: string;

  before(async () => {
    first = await freePorts(PORTS);
    start = new Start(first);
    at = `http://127.0.0.1:${first}`;
    await start.line('Stop with Ctrl-C');
  });
  after(() => start.signal('SIGKILL'));

  const json = { 'content-type': 'application/json' };
  const requests: readonly (readonly [
    title: string,
    path: string,
    init: RequestInit,
    status: number,
    body: RegExp,
  ])[] = [
    ['a page', '/', {}, 200, /<h1>Portcullis is running/],
    ['a fixed answer', '/welcome', {}, 200, /^Portcullis is running/],
    ['a service for those who are signed in', '/projects/me', {}, 401, /unauthenticated/],
    ['a list', '/orders', {}, 200, /"lantern"/],
    [
      'a new order',
      '/orders',
      { method: 'POST', headers: json, body: '{"item":"ladder","quantity":1}' },
      201,
      /"id":3/,
    ],
    ['that order', '/orders/3', {}, 200, /"ladder"/],
    [
      'a changed order',
      '/orders/3',
      { method: 'PUT', headers: json, body: '{"item":"ladder","quantity":2}' },
      200,
      /"quantity":2/,
    ],
    ['an order taken away', '/orders/3', { method: 'DELETE' }, 204, /^$/],
    ['an order that is gone', '/orders/3', {}, 404, /no such order/],
    ['an old address, redirected', '/old-orders/1', {}, 200, /"lantern"/],
    [
      'a body beyond the limit',
      '/orders',
      { method: 'POST', body: 'x'.repeat(17 * 1024) },
      413,
      /body_too_large/,
    ],
    ['a slow service within its time', '/slow?ms=10', {}, 200, /10 ms/],
    ['a service that gives up', '/failing/reset', {}, 502, /upstream_reset/],
    ['a service that does not speak HTTP', '/failing/garbage', {}, 502, /upstream_invalid/],
    ['a service that reports a failure', '/failing/500', {}, 500, /Something broke/],
    ['no route', '/nowhere', {}, 404, /route_not_found/],
  ];
  for (const [title, path, init, status, body] of requests) {
    it(`answers ${init.method ?? 'GET'} ${path}: ${title}`, async () => {
      const response = await fetch(at + path, init);
      const text = await response.text();
      assert.equal(response.status, status, text);
      assert.match(text, body);
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    });
  }

  it('lets a user sign in at two providers in a browser, and gives each of two services its own token', async () => {
    const browser = await startBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`http://localhost:${first}/`);
      await page.getByText('Nobody is signed in.').waitFor();
      await page.getByRole('link', { name: 'Sign in' }).click();
      for (const provider of ['company', 'forge']) {
        await page.waitForURL(new RegExp(`/${provider}/interaction/`));
        await page.getByLabel('User name').fill('alice');
        await page.getByLabel('Password').fill('alice');
        await page.getByRole('button', { name: 'Sign in' }).click();
      }
      await page.getByText('Alice Adams is signed in at company and forge.').waitFor();
      assert.equal(page.url(), `http://localhost:${first}/?back`);
      const told: Record<string, string>[] = [];
      for (const service of ['projects', 'notebooks']) {
        await page.getByRole('button', { name: `Ask ${service}` }).click();
        await page.locator(`#${service}`).filter({ hasText: '200' }).waitFor();
        const text = (await page.locator(`#${service}`).textContent()) ?? '';
        told.push(JSON.parse(text.slice(text.indexOf('{'))) as Record<string, string>);
      }
      assert.deepEqual(
        told.map(({ user, issuer, audience, cookies }) => ({ user, issuer, audience, cookies })),
        ['company', 'forge'].map((name, index) => ({
          user: 'alice',
          issuer: `http://localhost:${first + 10}/${name}`,
          audience: ['urn:example:projects', 'urn:example:notebooks'][index],
          cookies: 'none',
        })),
      );
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('Nobody is signed in.').waitFor();
      await page.getByRole('button', { name: 'Ask projects' }).click();
      await page.locator('#projects').filter({ hasText: '401' }).waitFor();
    } finally {
      await browser.close();
    }
  });

  it("runs the example's own policy", async () => {
    const response = await fetch(`${at}/hello`, { headers: { 'x-name': 'Ada' } });
    assert.equal(response.headers.get('x-greeting'), 'Good day, Ada!');
    assert.match(await response.text(), /"version":"[12]"/);
  });

  it('leaves a service alone that fails three times, and answers for it', async () => {
    const answers: [status: number, body: string][] = [];
    for (let i = 0; i < 4; i++) {
      const response = await fetch(`${at}/guarded/500`);
      answers.push([response.status, await response.text()]);
    }
    const failure: [number, string] = [500, 'Something broke here.\n'];
    const standIn: [number, string] = [200, 'The service is out of order; this answer stands in for it.\n'];
    assert.deepEqual(answers, [failure, failure, failure, standIn]);
  });

  it('has a service with two targets that are checked', async () => {
    const services = `http://127.0.0.1:${first + 1}/services?name=hello-1`;
    let healths: string[] = [];
    // The first check of each comes when the gateway starts.
    while (healths.length === 0 || healths.includes('unknown')) {
      const { targets } = (await (await fetch(services)).json()) as { targets: { health: string }[] };
      healths = targets.map(({ health }) => health);
    }
    assert.deepEqual(healths, ['up', 'up']);
  });

  it('passes the events of the clock on as they come', async () => {
    const leave = new AbortController();
    const response = await fetch(`${at}/clock`, { signal: leave.signal });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    for await (const piece of response.body ?? []) {
      assert.match(Buffer.from(piece).toString(), /^event: tick\ndata: \d{4}-/);
      break;
    }
    leave.abort();
  });

  it('echoes over a WebSocket', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${first}/echo`);
    await once(socket, 'open');
    const message = once(socket, 'message') as Promise<[MessageEvent]>;
    socket.send('hello');
    assert.equal((await message)[0].data, 'hello');
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  });

  it('says which port is in use, and how to choose another', async () => {
    const second = new Start(first);
    assert.equal(await second.ended(), 1);
    assert.deepEqual(
      second.lines.filter((line) => line !== ''),
      [
        `Port ${first}, for the gateway, is in use by another program. Choose another one: PORT=${first + 10} npm start`,
      ],
    );
  });

  it('stops everything on SIGINT, also when it comes twice, and ends with status 0', async () => {
    start.signal('SIGINT');
    start.signal('SIGINT');
    assert.equal(await start.ended(), 0);
    assert.deepEqual(await stillListening(first), []);
  });
});

describe('npm start, when one of its processes dies', () => {
  for (const name of ['clock', 'the gateway']) {
    it(`says that it was ${name}, stops the others and ends with status 1`, async () => {
      const first = await freePorts(PORTS);
      const start = new Start(first);
      const line = await start.line(name === 'clock' ? '  clock ' : 'gateway  ');
      await start.line('Stop with Ctrl-C');
      const pid = Number(/process (\d+)/.exec(line)?.[1]);
      process.kill(pid, 'SIGKILL');
      assert.equal(await start.ended(), 1);
      const what = name === 'clock' ? 'the service clock' : name;
      assert.ok(
        start.lines.includes(
          `${what} (process ${pid}) ended by itself, with SIGKILL; everything is stopped.`,
        ),
        start.lines.join('\n'),
      );
      assert.deepEqual(await stillListening(first), []);
    });
  }
});

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { signInAt, startBrowser } from '../support/browser.ts';
import { LoginPlay } from '../support/login-play.ts';

const NAMES = ['first', 'second', 'third'];
/** Of another site than that of the gateway, which is at localhost. */
const PROVIDER_HOST = '127.0.0.1';

describe('a login in a real browser', () => {
  let browser: Browser;
  let service: Server;
  let play: LoginPlay;
  let context: BrowserContext;
  let page: Page;
  /** What the service was sent, last. */
  let received: { authorization: string | undefined; cookie: string | undefined };

  before(async () => {
    browser = await startBrowser();
    service = createServer((request, response) => {
      received = { authorization: request.headers.authorization, cookie: request.headers.cookie };
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<h1>${request.url}</h1>`);
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    play = await LoginPlay.start({
      host: 'localhost',
      providers: Object.fromEntries([...NAMES, 'extra'].map((name) => [name, { host: PROVIDER_HOST }])),
      session: {
        login: NAMES,
        connect: ['extra'],
        anonymous: true,
        keys: ['a key of tests that is long enough'],
      },
      config: {
        services: { backend: { url } },
        routes: {
          ...Object.fromEntries(
            [...NAMES, 'extra'].map((name) => [
              name,
              {
                match: { paths: [`/${name}/*`] },
                policies: [{ session: { name: 'web', providers: [name] } }, { inject: { provider: name } }],
                service: 'backend',
              },
            ]),
          ),
          open: {
            match: { paths: ['/open/*'] },
            policies: [
              { session: { name: 'web', required: false } },
              { headers: { request: { set: { authorization: '${principal.consumer}' } } } },
            ],
            service: 'backend',
          },
        },
      },
    });
  });

  after(async () => {
    await browser?.close();
    await play?.[Symbol.asyncDispose]();
    service?.close();
    service?.closeAllConnections();
  });

  beforeEach(async () => {
    await context?.close();
    context = await browser.newContext();
    page = await context.newPage();
  });

  it('leads a navigation through three providers and back to its page and query', async () => {
    await page.goto(`${play.url}/first/projects?tab=2&q=a%20b`);
    await signInAt(page, NAMES.length);
    assert.equal(page.url(), `${play.url}/first/projects?tab=2&q=a%20b`);
    assert.equal(await page.locator('h1').textContent(), '/first/projects?tab=2&q=a%20b');
    const tokens = new Set<string | undefined>();
    for (const name of NAMES) {
      await page.goto(`${play.url}/${name}/x`);
      assert.match(received.authorization ?? '', /^Bearer \S+$/);
      assert.equal(received.cookie, undefined);
      tokens.add(received.authorization);
    }
    assert.equal(tokens.size, 3);
  });

  it('answers a script with 401, and a signed-in one with the page', async () => {
    await page.goto(`${play.url}/`);
    const ask = `fetch('/first/data').then((answer) => answer.status)`;
    assert.equal(await page.evaluate(ask), 401);
    await page.goto(`${play.url}/auth/login`);
    await signInAt(page, NAMES.length);
    assert.equal(await page.evaluate(ask), 200);
    assert.equal(await page.evaluate('document.cookie'), '');
  });

  it('knows a visitor by a name that stays, and brings them back to their page and query when they sign in', async () => {
    const address = `${play.url}/open/search?q=a%20b&tab=2`;
    await page.goto(address);
    const visitor = received.authorization;
    assert.match(visitor ?? '', /^anonymous:\S{22}$/);
    await page.reload();
    assert.equal(received.authorization, visitor);
    // As a button of the page would.
    await page.evaluate(`location.href = '/auth/login?redirect=' + encodeURIComponent(location.href)`);
    await signInAt(page, NAMES.length);
    assert.equal(page.url(), address);
    assert.equal(await page.locator('h1').textContent(), '/open/search?q=a%20b&tab=2');
    assert.equal(received.authorization, 'alice');
  });

  it('brings a visitor back who came to a page that must know them', async () => {
    await page.goto(`${play.url}/open/x`);
    assert.match(received.authorization ?? '', /^anonymous:/);
    await page.goto(`${play.url}/first/projects?tab=2&q=a%20b`);
    await signInAt(page, NAMES.length);
    assert.equal(page.url(), `${play.url}/first/projects?tab=2&q=a%20b`);
    assert.match(received.authorization ?? '', /^Bearer /);
  });

  it('works in several tabs at once', async () => {
    const tabs = await Promise.all([context.newPage(), context.newPage()]);
    await Promise.all(tabs.map((tab, at) => tab.goto(`${play.url}/first/${at}`)));
    for (const [at, tab] of tabs.entries()) {
      // The second tab finds that the providers know the user already.
      await signInAt(tab, at === 0 ? NAMES.length : 1);
      await tab.waitForURL(`${play.url}/first/${at}`);
    }
  });

  it('asks for one more provider when a route needs it', async () => {
    await page.goto(`${play.url}/auth/login`);
    await signInAt(page, NAMES.length);
    const status = await page.evaluate(
      `fetch('/extra/x').then(async (answer) => [answer.status, (await answer.json()).connect])`,
    );
    assert.deepEqual(status, [401, '/auth/connect/extra']);
    await page.goto(`${play.url}/extra/x?y=1`);
    await signInAt(page, 1);
    assert.equal(page.url(), `${play.url}/extra/x?y=1`);
  });

  it('ends with a logout, by a button of the page; a picture of another site ends nothing', async () => {
    await page.goto(`${play.url}/auth/login`);
    await signInAt(page, NAMES.length);
    const whoIs = `fetch('/auth/user').then((answer) => answer.status)`;
    const other = await context.newPage();
    await other.goto(play.provider('first').issuer.concat('/jwks'));
    await other.evaluate(`new Promise((resolve) => {
      const image = new Image();
      image.onload = image.onerror = resolve;
      image.src = '${play.url}/auth/logout';
    })`);
    assert.equal(await page.evaluate(whoIs), 200);
    await other.goto(`${play.url}/auth/logout?redirect=/bye`);
    assert.equal(other.url(), `${play.url}/bye`);
    assert.equal(await page.evaluate(whoIs), 401);
  });
});

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { signInAt, startBrowser } from '../support/browser.ts';
import { TestAuthority } from '../support/certificates.ts';
import { IdentityNodes, type Node } from '../support/identity-nodes.ts';
import { RedisServer } from '../support/redis.ts';

const LIMIT = { timeout: 60_000 };
const PROVIDER = 'keycloak';

suite('a page of somebody else, in the browser of a user with a session', () => {
  let stack: AsyncDisposableStack;
  let nodes: IdentityNodes;
  let node: Node;
  let other: Node;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    stack = new AsyncDisposableStack();
    const redis = await RedisServer.start();
    stack.defer(() => redis.close());
    nodes = stack.use(
      await IdentityNodes.start({
        providers: [PROVIDER],
        state: { redis: { url: redis.url } },
        // So that the browser sends it whoever asks: nothing but the gateway stands between.
        session: { cookie: { sameSite: 'none' } },
        certificate: await (await TestAuthority.make()).issue('gateway', ['localhost']),
      }),
    );
    node = await nodes.node();
    other = await nodes.node();
    browser = stack.use(await startBrowser());
    context = await browser.newContext({ ignoreHTTPSErrors: true });
    page = await context.newPage();
    await page.goto(`${node.url}/${PROVIDER}/own`);
    await signInAt(page, 1);
  });

  after(() => stack?.disposeAsync());

  // Pages end with their browser: one that has just sent a form may take a minute to close.
  /** What a script that posts is answered: 401 where the browser keeps the cookie back by itself, as Chromium does for scripts of other sites. */
  const PAGES: readonly (readonly [title: string, url: () => string, posted: 401 | 403])[] = [
    ['of another site', () => `${nodes.provider(PROVIDER).issuer}/jwks`, 401],
    ['of the same site, at another port', () => `${other.url}/${PROVIDER}/page`, 403],
  ];
  /** Each is done by a script of the page. A deed without a session would be answered 401, so 403 says that the cookie came with it. */
  const DEEDS: readonly (readonly [
    title: string,
    script: (url: string) => string,
    expected: 401 | 403 | 'posted',
  ])[] = [
    [
      'sends a form',
      (url) => `(() => {
        const form = document.createElement('form');
        form.method = 'POST';
        form.action = '${url}';
        document.body.append(form);
        form.submit();
      })()`,
      403,
    ],
    [
      'posts by a script',
      (url) =>
        `void fetch('${url}', { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'a=1' })`,
      'posted',
    ],
    ['reads by a script', (url) => `void fetch('${url}', { mode: 'no-cors', credentials: 'include' })`, 401],
  ];

  for (const [whose, at, posted] of PAGES)
    for (const [title, script, expected] of DEEDS)
      test(`${whose} ${title}: is refused, and the service is asked for nothing`, LIMIT, async () => {
        const from = await context.newPage();
        await from.goto(at());
        const { received } = nodes.backend(PROVIDER);
        const { length } = received;
        const url = `${node.url}/${PROVIDER}/deed`;
        const answered = from.waitForResponse(url);
        // A page that leaves for another one may never say that it has done what it was told to.
        from.evaluate(script(url)).catch(() => undefined);
        const answer = await answered;
        assert.equal(answer.status(), expected === 'posted' ? posted : expected);
        assert.equal(received.length, length);
      });

  for (const [whose, at] of PAGES)
    test(`${whose} asks whether it may send JSON: is not told so, and sends nothing`, LIMIT, async () => {
      const from = await context.newPage();
      await from.goto(at());
      const { received } = nodes.backend(PROVIDER);
      const { length } = received;
      const sent = `fetch('${node.url}/${PROVIDER}/deed', {
        method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: '{}',
      }).then((answer) => String(answer.status), (error) => error.message)`;
      assert.equal(await from.evaluate(sent), 'Failed to fetch');
      assert.equal(received.length, length);
    });

  test('of the gateway itself: is served', LIMIT, async () => {
    const sent = `fetch('/${PROVIDER}/deed', { method: 'POST', body: 'a=1' }).then((answer) => answer.status)`;
    assert.equal(await page.evaluate(sent), 200);
  });
});

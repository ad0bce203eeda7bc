import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startBrowser } from '../../../../test/support/browser.ts';
import { startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

describe('The documentation of the admin API', () => {
  const configuration = new FakeConfiguration();
  let api: TestApi;
  let browser: Browser;
  let page: Page;
  const asked: string[] = [];
  const complaints: string[] = [];
  before(async () => {
    api = await startApi(configuration);
    browser = await startBrowser();
    page = await browser.newPage();
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`http://127.0.0.1:${api.port}/docs`);
    await page.getByText('Portcullis admin API').first().waitFor();
  });
  after(async () => {
    await browser.close();
    await api[Symbol.asyncDispose]();
  });

  it('is tried in a browser: a service is created', async () => {
    await page.locator('#operations-tag-services').click();
    const operation = page.locator('#operations-services-replaceService');
    await operation.locator('.opblock-summary').click();
    await operation.locator('tr[data-param-name="name"] input').fill('orders');
    await operation.locator('textarea.body-param__text').fill('{"url": "http://127.0.0.1:3000"}');
    await operation.getByRole('button', { name: 'Execute' }).click();
    await operation.locator('.live-responses-table .response-col_status', { hasText: '201' }).waitFor();
    assert.deepEqual(configuration.get('services', 'orders')?.value, { url: 'http://127.0.0.1:3000' });
  });

  it('asks nobody else', () =>
    assert.deepEqual(
      asked.filter((url) => !url.startsWith(`http://127.0.0.1:${api.port}/`) && !url.startsWith('data:')),
      [],
    ));

  it('stays within its policy', () => assert.deepEqual(complaints, []));

  it('has no other file', async () => {
    for (const path of ['/docs/index.html', '/docs/..%2fpackage.json', '/docs/constructor', '/docs/'])
      assert.equal((await api.send({ path })).status, 404);
  });
});

import { accessSync, constants } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const PLACES = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** A real headless Chromium. Rejects where there is none: without it nothing is tested, and no test says otherwise. `await using` ends it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: installedChromium(),
    headless: true,
    args: [
      // Tests may run as root in a container, where the sandbox of Chromium does not work; it opens nothing but pages of the tests.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Fills in the forms of so many providers, one after the other, as alice, until the page is one of the gateway at localhost. */
export async function signInAt(page: Page, providers: number): Promise<void> {
  for (let i = 0; i < providers; i++) {
    await page.waitForURL(/\/interaction\//);
    const at = page.url();
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill('alice');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL((url) => url.href !== at);
  }
  await page.waitForURL(/^https?:\/\/localhost:/);
}

function installedChromium(): string {
  for (const path of PLACES) if (path !== undefined && isExecutable(path)) return path;
  throw new Error(
    'This test needs Chromium, which is not installed. On Debian: apt-get install -y chromium. CHROMIUM=/path names one that is elsewhere.',
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

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

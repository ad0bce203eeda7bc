import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { explainRequest } from './explain-request.ts';
import { explanationText } from './text.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-explain-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const SERVICES = `services:
  stable: { url: http://h:1 }
  canary: { url: http://h:2 }
  shadow: { url: http://h:3 }
`;

/** What is said of where the request goes, without the blank line before it. */
async function outcome(route: string, headers: readonly (readonly [string, string])[] = []): Promise<string> {
  const text = `${SERVICES}routes:\n  r: { match: {}, ${route} }\n`;
  const loaded = await loadConfig(join(directory, 'c.yaml'), { env: {}, text });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const result = await explainRequest(loaded.config, { method: 'GET', url: '/', headers });
  assert.ok(result.ok);
  const shown = explanationText(result.explanation, { cwd: directory, color: false });
  return shown.slice(shown.indexOf('Service: '));
}

const SPLIT = 'split: [{ service: stable, weight: 100 }, { service: canary, weight: 0 }]';

const HEAD = `Service: stable 100 of 100 (c.yaml:2)
  target http://h:1
Service: canary 0 of 100 (c.yaml:3)
  target http://h:2
  path   /
  host   localhost
`;

describe('What explain says', () => {
  const table: readonly (readonly [
    title: string,
    route: string,
    headers: readonly (readonly [string, string])[],
    lines: string,
  ])[] = [
    ['of a split by chance', SPLIT, [], HEAD],
    [
      'of a split by a cookie that the gateway sets',
      `${SPLIT}, splitBy: { cookie: { name: id } }`,
      [],
      `${HEAD}  split  by the cookie id, which the gateway sets\n`,
    ],
    [
      'of a client that has the cookie',
      `${SPLIT}, splitBy: { cookie: { name: id, set: false } }`,
      [['cookie', 'id=7']],
      `${HEAD}  split  by the cookie id\n  this request goes to stable: that is where its client stays\n`,
    ],
    [
      'of a split by address, which no question has',
      `${SPLIT}, splitBy: { address: true }`,
      [],
      `${HEAD}  split  by the client's address\n`,
    ],
    [
      'of an override',
      `${SPLIT}, splitOverride: { header: x-canary }`,
      [],
      `${HEAD}  chosen by the header x-canary, if the request has it\n`,
    ],
    [
      'of a request that names its service',
      `${SPLIT}, splitBy: { header: x-user }, splitOverride: { cookie: canary, values: { always: canary } }`,
      [
        ['cookie', 'canary=always'],
        ['x-user', 'ada'],
      ],
      `${HEAD}  split  by the header x-user
  chosen by the cookie canary: always, if the request has it
  this request goes to canary: it names it
`,
    ],
    [
      'of a mirror',
      'service: stable, mirror: { service: shadow, percent: 2.5 }',
      [],
      `Service: stable (c.yaml:2)
  target http://h:1
  path   /
  host   localhost
Mirror: shadow 2.5 % (c.yaml:4)
`,
    ],
  ];
  for (const [title, route, headers, lines] of table) {
    it(title, async () => assert.equal(await outcome(route, headers), lines));
  }
});

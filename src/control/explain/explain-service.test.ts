import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { ServiceStatus, TargetStatus } from '../../upstream/control/status.ts';
import { loadConfig } from '../config/load.ts';
import { explainRequest, type RequestExplanation } from './explain-request.ts';
import { explanationText } from './text.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-explain-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** `service` is what stands under the service's name, each key on a line of its own from line 3 on. */
async function explained(service: string, now?: ServiceStatus): Promise<RequestExplanation> {
  const lines = service
    .trim()
    .split('\n')
    .map((line) => `    ${line.trim()}\n`);
  const text = `services:\n  s:\n${lines.join('')}  other: { url: http://o }\nroutes:\n  r: { match: { paths: ['/{id}'] }, service: s }\n`;
  const loaded = await loadConfig(join(directory, 'c.yaml'), {
    env: { SECRET: 'secret-0123456789' },
    text,
  });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const question = { method: 'GET', url: '/7', headers: [] };
  const result = await explainRequest(loaded.config, question, now && { s: now });
  assert.ok(result.ok);
  assert.doesNotMatch(JSON.stringify(result), /secret-0123456789/);
  return result.explanation;
}

function shown(explanation: RequestExplanation): string[] {
  const text = explanationText(explanation, { cwd: directory, color: false });
  return text.slice(text.indexOf('Service: ')).trimEnd().split('\n');
}

const REQUEST = ['  path   /7', '  host   localhost'];

suite('explain says of a service', () => {
  const ONE = 'url: http://h:1';
  const table: readonly (readonly [title: string, service: string, lines: readonly string[]])[] = [
    ['with one target, that', ONE, ['  target http://h:1']],
    [
      'with several, how one is chosen',
      'targets: [{ url: http://h:1, weight: 3 }, { url: http://h:2 }]',
      ['  target  http://h:1 weight 3', '  target  http://h:2 weight 1', '  balance round-robin'],
    ],
    [
      'the key that it is chosen by, and what else counts',
      `targets: [{ url: http://h:1 }, { url: http://h:2 }]
      balance: { algorithm: hash, hash: { header: x-user }, zone: eu-1, slowStart: 90s }
      sticky: { cookie: at, secret: 'env:SECRET' }`,
      [
        '  target  http://h:1 weight 1',
        '  target  http://h:2 weight 1',
        '  sticky  by the cookie at (c.yaml:5)',
        '  balance hash of the header x-user, zone eu-1 first, slow start over 90s (c.yaml:4)',
      ],
    ],
    [
      'what limits it',
      `${ONE}
      limits: { requests: 9, pending: 3, connections: 5, adaptive: { min: 4, max: 40 } }`,
      [
        '  target http://h:1',
        '  limits 9 requests, 4 to 40 requests, by latency, 3 that wait, 5 connections (c.yaml:4)',
      ],
    ],
    [
      'when its breaker opens, and what answers then',
      `${ONE}
      breaker: { scope: both, slowAfter: 500ms, slowRatio: 0.25, consecutive: 7 }
      fallback: { service: other }`,
      [
        '  target   http://h:1',
        '  breaker  of the service and each target: open for 5s when 50 % failed or 25 % slower than 500ms, of 20 in 10s, or 7 failed in a row (c.yaml:4)',
        '  fallback the service other (c.yaml:5)',
      ],
    ],
    [
      'a fixed answer',
      `${ONE}
      fallback: { respond: { status: 200 } }`,
      ['  target   http://h:1', '  fallback answer 200, made here (c.yaml:4)'],
    ],
    [
      'how it is checked',
      `${ONE}
      health: { active: { path: /healthz }, passive: { successRate: false } }`,
      [
        '  target   http://h:1',
        '  checks   GET /healthz every 10s: down after 3 that fail, up after 2 that pass (c.yaml:4)',
        '  outliers out for 30s after 5 answers 5xx in a row (c.yaml:4)',
      ],
    ],
    [
      'a check by connection, and outliers that are only told of',
      `${ONE}
      health: { active: { type: tcp, interval: 1m }, passive: { shadow: true, consecutiveGatewayErrors: 2, consecutiveLocalErrors: 4, failurePercentage: {} } }`,
      [
        '  target   http://h:1',
        '  checks   a connection every 1m: down after 3 that fail, up after 2 that pass (c.yaml:4)',
        '  outliers told only after 5 answers 5xx in a row, or 2 gateway errors in a row, or 4 in a row without an answer, or a low success rate, or 85 % failed (c.yaml:4)',
      ],
    ],
    [
      'what is tried again',
      `${ONE}
      retry: { attempts: 3, on: [connect, timeout, 503], perTry: 2s }
      hedge: { after: 200ms }`,
      [
        '  target http://h:1',
        '  retry  3 attempts, after connect, timeout, 503, for idempotent methods, each within 2s (c.yaml:4)',
        '  hedge  a second attempt after 200ms (c.yaml:5)',
      ],
    ],
  ];
  for (const [title, service, lines] of table) {
    test(title, async () => {
      const given = shown(await explained(service));
      const padded = REQUEST.map((line) => line.slice(0, 9) + ' '.repeat(extra(lines)) + line.slice(9));
      assert.deepEqual(given.slice(1), [...lines, ...padded]);
      assert.match(given[0] ?? '', /^Service: s \(c\.yaml:2\)$/);
    });
  }

  const sources: readonly (readonly [discovery: string, text: string])[] = [
    ['dns: { name: o.internal, port: 80 }', 'from DNS, the A records of o.internal'],
    ['file: { path: ./t.yaml }', `from the file ${join(directory, 't.yaml')}`],
    ["consul: { service: o, token: 'env:SECRET' }", 'from Consul at http://127.0.0.1:8500, the service o'],
    ['kubernetes: { service: o, namespace: n, port: http }', 'from Kubernetes, the Service n/o'],
    ['registry: {}', 'those that register'],
    ['registry: { tags: [blue, new] }', 'those that register with blue, new'],
  ];
  for (const [discovery, text] of sources) {
    test(`where its targets come from: ${text}`, async () => {
      const lines = shown(await explained(`discovery: { ${discovery} }`));
      assert.deepEqual(lines.slice(1, 3), [`  targets ${text} (c.yaml:3)`, '  balance round-robin']);
    });
  }

  test('each setting with its place, as JSON', async () => {
    const { outcome } = await explained(`${ONE}\n      hedge: { after: 2m }`);
    assert.ok(outcome.kind === 'service');
    assert.deepEqual(outcome.services[0]?.settings, [
      {
        name: 'hedge',
        text: 'a second attempt after 2m',
        place: { file: join(directory, 'c.yaml'), line: 4, column: 5 },
      },
    ]);
  });
});

suite('explain of a running gateway says', () => {
  const calm: TargetStatus = {
    url: 'http://h:1',
    weight: 1,
    draining: false,
    health: 'unknown',
    ejected: false,
    ejectedForMs: 0,
    inFlight: 0,
  };
  const status = (targets: readonly TargetStatus[], more: Partial<ServiceStatus> = {}): ServiceStatus => ({
    counts: { targets: targets.length, usable: 1, down: 0, ejected: 0, draining: 0 },
    inFlight: 4,
    pending: 0,
    retries: 0,
    targets,
    ...more,
  });

  test('how each target is now, and the service', async () => {
    const now = status(
      [
        { ...calm, health: 'up', inFlight: 3, breaker: 'closed' },
        { ...calm, url: 'http://h:2', health: 'down' },
        { ...calm, url: 'http://h:3', weight: 5, ejected: true, draining: true, breaker: 'half-open' },
      ],
      { breaker: 'open' },
    );
    const explanation = await explained('url: http://h:1', now);
    assert.deepEqual(shown(explanation).slice(1), [
      '  target http://h:1 weight 1: up, 3 under way',
      '  target http://h:2 weight 1: down, 0 under way',
      '  target http://h:3 weight 5: draining, ejected, breaker half-open, 0 under way',
      '  now    1 of 3 targets usable, 4 under way, breaker open',
      ...REQUEST,
    ]);
    assert.ok(explanation.outcome.kind === 'service');
    assert.deepEqual(explanation.outcome.services[0]?.now, now);
  });

  test('why its source cannot tell, and not more targets than can be read', async () => {
    const many = Array.from({ length: 23 }, (_, i) => ({ ...calm, url: `http://h:${i}` }));
    const source = { state: 'failing', cause: 'no such name', since: '2026-01-01T00:00:00.000Z' } as const;
    const lines = shown(await explained('discovery: { registry: {} }', status(many, { source })));
    assert.equal(lines.filter((line) => line.startsWith('  target ')).length, 21);
    assert.ok(lines.includes('  target  and 3 more'));
    assert.ok(lines.includes('  source  failing since 2026-01-01T00:00:00.000Z: no such name'));
  });
});

/** By how much the lines are wider than those of a service with nothing but a target. */
function extra(lines: readonly string[]): number {
  return (/^ {2}\S+ +/.exec(lines[0] ?? '')?.[0].length ?? 9) - 9;
}

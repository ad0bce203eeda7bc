import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from './load.ts';

const REST = `services: { a: { url: 'http://h:1' } }
routes: { a: { match: { paths: [/a] }, service: a, policies: [{ basic: {} }] } }
`;

async function complaints(text: string, env: Record<string, string> = {}): Promise<string[]> {
  const loaded = await loadConfig('/nowhere/c.yaml', { text: REST + text, env, nowMs: Date.UTC(2026, 0, 1) });
  const all = loaded.ok ? loaded.warnings : [...loaded.errors, ...loaded.warnings];
  return all.map(
    ({ severity, line, column, path, message, suggestion, text: at }) =>
      `${severity} ${line}:${column} ${path}: ${message}${suggestion === undefined ? '' : ` (${suggestion})`} [${at}]`,
  );
}

describe('Consumers in a configuration', () => {
  it('are told of with their place, and without what is secret', async () => {
    const found = await complaints(
      `providers: { keycloak: { issuer: 'https://id.example' } }
consumers:
  alice:
    basic: { hash: my-plain-password }
    apiKeys: [{ key: env:KEY }]
  bob:
    apiKeys: [{ key: env:KEY, expires: 2025-01-01T00:00:00Z }]
    subjects: [{ provider: keycloack, subject: '1' }]
`,
      { KEY: 'the-same-key-for-two' },
    );
    assert.equal(found.length, 4, found.join('\n'));
    assert.match(found[0] ?? '', /^error 6:20 consumers\.alice\.basic\.hash: is no PHC string/);
    assert.match(
      found[1] ?? '',
      /^error 9:22 consumers\.bob\.apiKeys\[0\]\.key: the consumer alice has this API key already/,
    );
    assert.match(
      found[2] ?? '',
      /^error 10:28 consumers\.bob\.subjects\[0\]\.provider: there is no provider "keycloack" \(keycloak\)/,
    );
    assert.match(found[3] ?? '', /^warning 9:5 consumers\.bob\.apiKeys: has no key that is not over/);
    assert.ok(!/my-plain-password|the-same-key/.test(found.join('\n')), found.join('\n'));
  });

  it('may have references that lead nowhere: told of once', async () => {
    const found = await complaints('consumers: { alice: { basic: { hash: env:NONE } } }\n');
    assert.equal(found.length, 1);
    assert.match(
      found[0] ?? '',
      /^error 3:38 consumers\.alice\.basic\.hash: the environment variable NONE is not set/,
    );
  });
});

describe('Authorities of client certificates', () => {
  it('are read when the configuration is loaded', async () => {
    const found = await complaints(`listeners:
  a: { port: 1, protocol: https, tls: { certificates: [], clientAuth: { mode: demand, ca: 'x' } } }
  b: { port: 2, protocol: https, tls: { certificates: [x], clientAuth: {} } }
`);
    const about = found.filter((line) => line.includes('clientAuth'));
    assert.equal(about.length, 3, found.join('\n'));
    assert.ok(
      about.some((line) => line.startsWith('error 4:91 listeners.a.tls.clientAuth.ca: is not PEM')),
      about.join('\n'),
    );
    assert.ok(about.some((line) => /listeners\.a\.tls\.clientAuth\.mode: /.test(line)));
    assert.ok(about.some((line) => /listeners\.b\.tls\.clientAuth\.ca: /.test(line)));
  });
});

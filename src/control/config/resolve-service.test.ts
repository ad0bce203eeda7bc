import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { redact } from '../admin/redact.ts';
import { formatErrors } from './format.ts';
import { type LoadedConfig, loadConfig } from './load.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-services-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const SECRET = 'a secret of more than sixteen characters';

async function load(services: Record<string, unknown>): Promise<LoadedConfig> {
  const text = stringify({ services });
  const env = { SECRET, TOKEN: 'token from the environment' };
  const result = await loadConfig(join(directory, 'c.yaml'), { text, env });
  assert.ok(result.ok, result.ok ? '' : formatErrors(result.errors));
  return result.config;
}

describe('A service that is loaded', () => {
  it('has its url as its only target, and none where another tells of them', async () => {
    const { dataPlane } = await load({
      url: { url: 'http://a:1' },
      targets: {
        targets: [
          { url: 'http://a:1', weight: 2, zone: 'west' },
          { url: 'http://b:1', weight: 0 },
        ],
      },
      discovery: { discovery: { registry: {} } },
    });
    assert.deepEqual(
      Object.values(dataPlane.services).map(({ targets }) => targets),
      [
        [{ url: 'http://a:1', weight: 1 }],
        [
          { url: 'http://a:1', weight: 2, zone: 'west' },
          { url: 'http://b:1', weight: 0 },
        ],
        [],
      ],
    );
    for (const service of Object.values(dataPlane.services)) assert.ok(!('url' in service));
  });

  it('has the list of its targets where the configuration says, relative to it', async () => {
    const { dataPlane, files } = await load({
      near: { discovery: { file: { path: 'lists/orders.yaml' } } },
      far: { discovery: { file: { path: '/etc/orders.yaml' } } },
    });
    assert.deepEqual(
      Object.values(dataPlane.services).map(({ discovery }) => discovery?.file?.path),
      [join(directory, 'lists/orders.yaml'), '/etc/orders.yaml'],
    );
    assert.deepEqual(files, [], 'its source watches it: no reload is needed');
  });

  it('has its secrets in place of what refers to them, and all else as it was', async () => {
    mkdirSync(join(directory, 'secrets'), { recursive: true });
    writeFileSync(join(directory, 'secrets', 'token'), 'token from a file\n');
    const { dataPlane, secrets } = await load({
      sticky: { url: 'http://a:1', sticky: { cookie: 'at', secret: 'env:SECRET', maxAge: '1h' } },
      consul: { discovery: { consul: { service: 'orders', token: 'file:secrets/token' } } },
      kubernetes: {
        discovery: { kubernetes: { service: 'orders', namespace: 'shop', port: 80, token: 'env:TOKEN' } },
      },
      checked: {
        url: 'http://a:1',
        health: {
          active: { path: '/healthz', headers: { authorization: 'env:TOKEN', 'x-plain': 'plain' } },
          passive: {},
        },
      },
    });
    const { sticky, consul, kubernetes, checked } = dataPlane.services;
    assert.deepEqual(sticky?.sticky, { cookie: 'at', secret: SECRET, maxAge: 3_600_000 });
    assert.deepEqual(consul?.discovery?.consul, {
      address: 'http://127.0.0.1:8500',
      service: 'orders',
      token: 'token from a file',
      scheme: 'http',
      wait: 60_000,
    });
    assert.deepEqual(kubernetes?.discovery?.kubernetes, {
      service: 'orders',
      namespace: 'shop',
      port: 80,
      token: 'token from the environment',
      scheme: 'http',
    });
    const active = checked?.health?.active;
    assert.ok(active?.type === 'http' && checked?.health?.passive !== undefined);
    assert.deepEqual(active.headers, { authorization: 'token from the environment', 'x-plain': 'plain' });
    assert.equal(active.path, '/healthz');
    assert.deepEqual([...secrets].sort(), [SECRET, 'token from a file', 'token from the environment']);
    const shown = JSON.stringify(redact(dataPlane, secrets));
    for (const secret of secrets) assert.ok(!shown.includes(secret), secret);
  });

  it('shows no secret either that is written as it is', async () => {
    const { dataPlane, secrets } = await load({
      sticky: { url: 'http://a:1', sticky: { cookie: 'at', secret: SECRET } },
      consul: { discovery: { consul: { service: 'orders', token: 'plain consul' } } },
      checked: { url: 'http://a:1', health: { active: { headers: { 'x-api-key': 'plain key' } } } },
    });
    const shown = JSON.stringify(redact(dataPlane, secrets));
    for (const text of [SECRET, 'plain consul', 'plain key']) assert.ok(!shown.includes(text), text);
  });
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { CERT, KEY, load, messages, NOW, OTHER_KEY, place, SMALL } from './load.support.ts';
import { loadConfig } from './load.ts';

describe('A configuration that is loaded', () => {
  it('has every default filled in, durations in milliseconds and sizes in bytes', async () => {
    const { dataPlane, admin, runtime } = await load({ 'c.json': JSON.stringify(SMALL) });
    assert.deepEqual(admin, { enabled: true, address: '127.0.0.1', port: 9900, hosts: [] });
    assert.deepEqual(runtime, {
      workers: 0,
      registryFile: 'portcullis-registry.json',
      drainDelay: 0,
      drainTimeout: 30_000,
      sessionTickets: { rotation: 43_200_000 },
    });
    assert.equal(dataPlane.listeners['http']?.port, 8080);
    assert.equal(dataPlane.listeners['http']?.limits.head, 32 * 1024);
    assert.equal(dataPlane.routes['users']?.timeout, 30_000);
    assert.deepEqual(dataPlane.services['users']?.targets, [{ url: 'http://127.0.0.1:9001', weight: 1 }]);
    assert.equal('url' in (dataPlane.services['users'] ?? {}), false);
  });

  it('is the same from YAML, JSON and TypeScript', async () => {
    const written = JSON.stringify(SMALL);
    const all = await Promise.all([
      load({ 'c.json': written }),
      load({ 'c.yaml': stringify(SMALL) }),
      load({ 'c.yml': `# by the full parser\n${stringify(SMALL)}admin: &a {}\n` }),
      load({
        'c.ts': `import { defineConfig } from 'portcullis';\nexport default defineConfig(${written});\n`,
      }),
      load({ 'c.mjs': `export const config = ${written};\n` }),
    ]);
    assert.equal(new Set(all.map(({ hash }) => hash)).size, 1);
    for (const { dataPlane } of all) assert.deepEqual(dataPlane, all[0]?.dataPlane);
  });

  it('crosses to a worker as it is', async () => {
    const { dataPlane } = await load({ 'c.json': JSON.stringify(SMALL) });
    assert.deepEqual(structuredClone(dataPlane), dataPlane);
  });

  it('keeps services and routes in the order of the file', async () => {
    const routes = 'zeta, alpha, "7up", mid'
      .split(', ')
      .map((name) => `  ${name}: { match: { paths: ["/${name.replaceAll('"', '')}"] }, respond: {} }`);
    const { dataPlane } = await load({ 'c.yaml': `routes:\n${routes.join('\n')}\n` });
    assert.deepEqual(Object.keys(dataPlane.routes), ['zeta', 'alpha', '7up', 'mid']);
  });

  it('knows where everything was written, and of nothing else', async () => {
    const file = place({ 'c.yaml': 'routes:\n  a:\n    match: { paths: [/x] }\n    respond: {}\n' });
    const result = await loadConfig(file);
    assert.ok(result.ok);
    assert.deepEqual(result.config.positionOf(['routes', 'a']), { file, line: 2, column: 3 });
    assert.deepEqual(result.config.positionOf(['routes', 'a', 'match', 'paths', 0]), {
      file,
      line: 3,
      column: 22,
    });
    assert.equal(result.config.positionOf(['routes', 'b']), undefined);
    assert.equal(result.config.positionOf(['admin', 'port']), undefined);
  });

  it('has a hash that changes with a secret and with a policy, and with nothing else', async () => {
    const text =
      'observability: { tracing: { headers: { authorization: env:TOKEN } } }\npolicies: [{ ./p.ts: {} }]\n';
    const policy =
      "import { definePolicy, z } from 'portcullis/policy';\nexport const policy = definePolicy({ name: 'p', stage: 'transform', schema: z.strictObject({}), create: () => ({}) });\n";
    const file = place({ 'c.yaml': text, 'p.ts': policy });
    const hash = async (env: Record<string, string>) => {
      const result = await loadConfig(file, { env });
      assert.ok(result.ok);
      return result.config.hash;
    };
    const first = await hash({ TOKEN: 'a' });
    assert.equal(await hash({ TOKEN: 'a', OTHER: 'x' }), first);
    assert.notEqual(await hash({ TOKEN: 'b' }), first);
    writeFileSync(join(file, '..', 'p.ts'), `${policy}// changed\n`);
    assert.notEqual(await hash({ TOKEN: 'a' }), first);
  });
});

describe('Secrets', () => {
  it('come from the environment and from files beside the configuration', async () => {
    const { dataPlane, files } = await load(
      {
        'c.yaml':
          'observability: { tracing: { headers: { authorization: env:TOKEN, x-key: file:key.txt, x-plain: plain } } }\npolicies:\n  - headers: { request: { set: { x-a: env:TOKEN, x-b: "env: b" } } }\n',
        'key.txt': 'from a file\n',
      },
      { env: { TOKEN: 'from the environment' } },
    );
    assert.deepEqual(dataPlane.observability.tracing.headers, {
      authorization: 'from the environment',
      'x-key': 'from a file',
      'x-plain': 'plain',
    });
    assert.deepEqual(dataPlane.policies, [
      { name: 'headers', options: { request: { set: { 'x-a': 'from the environment', 'x-b': 'env: b' } } } },
    ]);
    assert.deepEqual(
      files.map((file) => file.split('/').at(-1)),
      ['c.yaml', 'key.txt'],
    );
  });

  it('do not stand in what a policy says of its options', async () => {
    const policy =
      "import { definePolicy, z } from 'portcullis/policy';\nexport const policy = definePolicy({ name: 'p', stage: 'transform', schema: z.strictObject({ key: z.string() }), create({ key }) { throw new Error(`bad key ${key}`); } });\n";
    assert.deepEqual(
      await messages(
        { 'c.yaml': 'policies: [{ ./p.ts: { key: env:SECRET } }]\n', 'p.ts': policy },
        { env: { SECRET: 'hunter2' } },
      ),
      ['error 1:14 policies[0]["./p.ts"]: the policy ./p.ts cannot be made: bad key ***'],
    );
  });

  it('are watched even where they are missing', async () => {
    const file = place({ 'c.yaml': 'observability: { tracing: { headers: { a: file:later.txt } } }\n' });
    const result = await loadConfig(file);
    assert.ok(!result.ok);
    assert.deepEqual(result.files, [file, join(file, '..', 'later.txt')]);
  });
});

describe('Certificates', () => {
  const config = (cert: string, key: string) => stringify({ certificates: { main: { cert, key } } });
  const cases: readonly (readonly [
    title: string,
    cert: string,
    key: string,
    expected: readonly string[],
    nowMs?: number,
  ])[] = [
    ['that fit their key are taken', 'file:cert.pem', 'env:KEY', []],
    ['may stand in the file itself', CERT, 'env:KEY', []],
    [
      'that do not fit their key are refused',
      'file:cert.pem',
      'file:other.pem',
      [
        'error 4:10 certificates.main.key: this key does not belong to the certificate (the first one of `cert`)',
      ],
    ],
    [
      'that are a key are refused',
      'env:KEY',
      'env:KEY',
      ['error 3:11 certificates.main.cert: holds a private key, not a certificate'],
    ],
    [
      'with a certificate for a key are refused',
      'file:cert.pem',
      'file:cert.pem',
      ['error 4:10 certificates.main.key: holds a certificate, not a private key'],
    ],
    [
      'written as a path are refused',
      './cert.pem',
      'env:KEY',
      [
        'error 3:11 certificates.main.cert: is not PEM: write file:path, env:NAME or the PEM text (file:./cert.pem)',
      ],
    ],
    [
      'that are broken are refused',
      'env:BROKEN',
      'env:KEY',
      ['error 3:11 certificates.main.cert: the certificate number 2 in it cannot be read'],
    ],
    [
      'that are over give a warning',
      'file:cert.pem',
      'env:KEY',
      ['warning 3:11 certificates.main.cert: the certificate is over since 2126-10-28T04:11:17.000Z'],
      Date.parse('2127-01-01T00:00:00Z'),
    ],
    [
      'that begin later give a warning',
      'file:cert.pem',
      'env:KEY',
      ['warning 3:11 certificates.main.cert: the certificate begins only at 2026-11-21T04:11:17.000Z'],
      0,
    ],
  ];
  for (const [title, cert, key, expected, nowMs = NOW] of cases) {
    it(title, async () => {
      const files = { 'c.yaml': config(cert, key), 'cert.pem': CERT, 'other.pem': OTHER_KEY };
      const broken = `${CERT}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
      assert.deepEqual(await messages(files, { nowMs, env: { KEY, BROKEN: broken } }), expected);
    });
  }

  it('reach listeners and services as PEM', async () => {
    const { dataPlane } = await load(
      {
        'c.yaml':
          'certificates: { main: { cert: env:CERT, key: env:KEY } }\nservices: { a: { url: https://h, tls: { ca: env:CERT, cert: env:CERT, key: env:KEY } } }\n',
      },
      { env: { CERT, KEY } },
    );
    assert.deepEqual(dataPlane.certificates['main'], { cert: CERT, key: KEY });
    assert.deepEqual(dataPlane.services['a']?.tls, { verify: true, ca: CERT, cert: CERT, key: KEY });
  });
});

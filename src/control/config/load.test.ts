import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { builtinPolicies } from '../../policies/registry.ts';
import { builtinCatalog } from './catalog.ts';
import { formatErrors } from './format.ts';
import { configJsonSchema } from './json-schema.ts';
import { type LoadedConfig, type LoadOptions, loadConfig } from './load.ts';
import type { PortcullisConfigInput } from './schema.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-load-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** A self-signed certificate for localhost, good from 2026-11-21 for a hundred years, and its key; made for these tests. */
const CERT = `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUD9ND4HuWLalKeUWNmIPGm/HghYQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA0MTExN1oYDzIxMjYxMDI4
MDQxMTE3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT4WncfHdUAj/fgdhfGK0QxrS540Yefebzctj1fqbOSi9g14OMHqdRp
d++z3sU87ZteGY/hLusONye2BFEo3GKao2kwZzAdBgNVHQ4EFgQUgGG/SuAr2caE
4tcnka6X/2d46n8wHwYDVR0jBBgwFoAUgGG/SuAr2caE4tcnka6X/2d46n8wDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIhAIRZBMRuWZpkEhDP4Di8GNRS6/tCvJpM2M4uvYr8furkAiAS8PEckZdU
aDr+0GSuic5nyZfKD12IJgNv4uEXnTwYHw==
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHAo4A7df5lhvPCt3q9B+EuAa7MX4/bMqusYaKDiAe8UoAoGCCqGSM49
AwEHoUQDQgAE+Fp3Hx3VAI/34HYXxitEMa0ueNGHn3m83LY9X6mzkovYNeDjB6nU
aXfvs97FPO2bXhmP4S7rDjcntgRRKNximg==
-----END EC PRIVATE KEY-----
`;
const OTHER_KEY = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOwv1wrG/hjlsmC5/MLWZlI0vkBVrYV73UKtfPcD9HqaoAoGCCqGSM49
AwEHoUQDQgAEepjyQ7sMeggf7B2N62UWvqRuxA6Y9WTelRvDkOdnjQ2R0qQCwSeJ
6OCQYwzAR5r4SLwIGhq6OZ/uArNbAIONgA==
-----END EC PRIVATE KEY-----
`;
const NOW = Date.parse('2030-01-01T00:00:00Z');

type Files = Readonly<Record<string, string | Uint8Array>>;

/** Writes the files to a directory of their own; gives the path of the first. */
function place(files: Files): string {
  const home = mkdtempSync(join(directory, 'case-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
  return join(home, Object.keys(files)[0] as string);
}

async function load(files: Files, options: LoadOptions = {}): Promise<LoadedConfig> {
  const result = await loadConfig(place(files), { nowMs: NOW, env: {}, ...options });
  assert.ok(result.ok, result.ok ? '' : formatErrors(result.errors));
  return result.config;
}

async function messages(files: Files, options: LoadOptions = {}): Promise<string[]> {
  const result = await loadConfig(place(files), { nowMs: NOW, env: {}, ...options });
  return [...(result.ok ? [] : result.errors), ...result.warnings].map(
    (error) =>
      `${error.severity} ${error.line}:${error.column} ${error.path}: ${error.message}${error.suggestion === undefined ? '' : ` (${error.suggestion})`}`,
  );
}

const SMALL: PortcullisConfigInput = {
  services: { users: { url: 'http://127.0.0.1:9001' } },
  routes: { users: { match: { paths: ['/users/*'] }, service: 'users', timeout: '30s' } },
};

describe('A configuration that is loaded', () => {
  it('has every default filled in, durations in milliseconds and sizes in bytes', async () => {
    const { dataPlane, admin, runtime } = await load({ 'c.json': JSON.stringify(SMALL) });
    assert.deepEqual(admin, { enabled: true, address: '127.0.0.1', port: 9900, hosts: [] });
    assert.deepEqual(runtime, {
      workers: 0,
      registryFile: 'portcullis-registry.json',
      drainDelay: 0,
      drainTimeout: 30_000,
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

describe('A policy of your own', () => {
  const policy =
    "import { definePolicy, z } from 'portcullis/policy';\nimport './helper.ts';\nexport const policy = definePolicy({ name: 'p', stage: 'transform', schema: z.strictObject({}), create: () => ({}) });\n";

  it('has a new address when it or a file that it imports changes, and these files are watched', async () => {
    const file = place({
      'c.yaml': 'policies: [{ ./p.ts: }]\n',
      'p.ts': policy,
      'helper.ts': 'export {};\n',
    });
    const module = async () => {
      const result = await loadConfig(file);
      assert.ok(result.ok, result.ok ? '' : formatErrors(result.errors));
      assert.deepEqual(
        result.config.files.map((each) => each.split('/').at(-1)),
        ['c.yaml', 'p.ts', 'helper.ts'],
      );
      return result.config.dataPlane.policies[0]?.module;
    };
    const first = await module();
    assert.match(first ?? '', /^file:.*\/p\.ts\?v=[0-9a-f]{32}$/);
    assert.equal(await module(), first);
    writeFileSync(join(file, '..', 'helper.ts'), 'export const one = 1;\n');
    assert.notEqual(await module(), first);
  });
});

const POLICY = (schema: string, create: string): string =>
  `import { definePolicy, z } from 'portcullis/policy';
export const policy = definePolicy({ name: 'mine', stage: 'transform', schema: ${schema}, create: ${create} });
`;

describe('A policy of the user that fails while the configuration is checked is an error like any other:', () => {
  const failing: [title: string, text: string, message: string][] = [
    [
      'one that throws when it is loaded',
      "throw new Error('no licence');",
      'the policy ./p.ts cannot be loaded: no licence (<dir>/p.ts:1)',
    ],
    [
      'one that throws something else than an error',
      'throw { not: 1 };',
      'the policy ./p.ts cannot be loaded: [object Object]',
    ],
    [
      'one that never ends to load',
      'await new Promise(() => {});',
      'the policy ./p.ts is not ready within 50 ms',
    ],
    [
      'one whose schema throws',
      POLICY("z.any().transform(() => { throw new Error('a schema'); })", '() => ({})'),
      'a schema',
    ],
    [
      'one that throws when it is made',
      POLICY('z.any()', "() => { throw new Error('nothing to make'); }"),
      'the policy ./p.ts cannot be made: nothing to make',
    ],
    [
      'one that is never made',
      POLICY('z.any()', 'async () => new Promise(() => {})'),
      'the policy ./p.ts is not ready within 50 ms',
    ],
  ];
  for (const [title, text, expected] of failing) {
    it(title, async () => {
      const file = place({ 'c.yaml': 'policies: [{ ./p.ts: {} }]\n', 'p.ts': text });
      // Only those that wait for ever are given a short time: on a busy machine the others take theirs.
      const limit = expected.endsWith('50 ms') ? { limitMs: 50 } : {};
      const loaded = await loadConfig(file, { policies: builtinCatalog(limit) });
      assert.ok(!loaded.ok);
      assert.deepEqual(
        loaded.errors.map(({ line, column, message }) => [
          line,
          column,
          message.replaceAll(dirname(file), '<dir>'),
        ]),
        [[1, 14, expected]],
      );
    });
  }
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

describe('A configuration in TypeScript', () => {
  it('is read anew with all that it imports', async () => {
    const file = place({
      'c.ts': "import { port } from './port.ts';\nexport default { listeners: { http: { port } } };\n",
      'port.ts': 'export const port: number = 1111;\n',
    });
    const port = async () => {
      const result = await loadConfig(file);
      assert.ok(result.ok);
      assert.deepEqual(result.config.files, [file, join(file, '..', 'port.ts')]);
      return result.config.dataPlane.listeners['http']?.port;
    };
    assert.equal(await port(), 1111);
    writeFileSync(join(file, '..', 'port.ts'), 'export const port: number = 2222;\n');
    assert.equal(await port(), 2222);
  });

  it('may leave timers running', async () => {
    const { dataPlane } = await load({
      'c.ts': 'setInterval(() => {}, 1000);\nexport default { routes: undefined };\n',
    });
    assert.deepEqual(dataPlane.routes, {});
  });

  it('may not take for ever', async () => {
    assert.deepEqual(await messages({ 'c.ts': 'for (;;);\n' }, { evaluateTimeoutMs: 200 }), [
      'error 1:1 : did not finish within 200 ms',
    ]);
  });
});

describe('A file that cannot be read', () => {
  it('is an error, not an exception', async () => {
    const missing = await loadConfig(join(directory, 'none.yaml'));
    assert.ok(!missing.ok);
    assert.equal(missing.errors[0]?.message, 'the configuration does not exist');
    const folder = await loadConfig(directory);
    assert.ok(!folder.ok);
    assert.equal(folder.errors[0]?.message, 'the configuration is a directory');
  });

  it('is an error whatever it holds', async () => {
    const words = fc.constantFrom(
      'routes',
      'services',
      'match',
      'policies',
      'listeners',
      'tls',
      'certificates',
      'split',
      'service',
      'respond',
      'headers',
      'cors',
      'env:X',
      'file:/',
      '__proto__',
      'constructor',
      './x',
      '',
    );
    const { data } = fc.letrec<{ data: unknown }>((tie) => ({
      data: fc.oneof(
        { maxDepth: 5 },
        words,
        fc.jsonValue(),
        fc.array(tie('data'), { maxLength: 4 }),
        fc.dictionary(words, tie('data'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    const texts = fc.oneof(
      fc.string({ maxLength: 200 }),
      data.map((value) => JSON.stringify(value)),
      data.map((value) => stringify(value)),
      fc.string({ unit: 'binary', maxLength: 50 }),
    );
    const file = place({ 'c.yaml': '', 'c.json': '' });
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom('c.yaml', 'c.json'), async (text, name) => {
        const path = join(file, '..', name);
        writeFileSync(path, text);
        const result = await loadConfig(path, { env: {} });
        if (result.ok) return;
        assert.ok(result.errors.length > 0);
        for (const error of result.errors)
          assert.ok(error.line >= 1 && error.column >= 1 && error.message !== '');
        assert.notEqual(formatErrors(result.errors, { color: true }), '');
      }),
      { numRuns: 500 },
    );
  });
});

describe('10,000 routes', () => {
  const routes: Record<string, unknown> = {};
  for (let i = 0; i < 10_000; i++) {
    routes[`route-${i}`] = {
      match: {
        hosts: [`h${i % 100}.example.com`],
        paths: [`/api/v${i}/items/{id}`],
        methods: ['GET', 'POST'],
        headers: { 'x-version': '2' },
      },
      policies: [{ headers: { request: { set: { 'x-route': `r${i}` } } } }],
      service: `s${i % 50}`,
      rewrite: { path: '/items/{id}' },
      timeout: '30s',
    };
  }
  const services = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`s${i}`, { url: `http://127.0.0.1:${9000 + i}` }]),
  );
  const value = { services, routes };
  const block = (data: unknown, indent: string): string =>
    typeof data !== 'object' || data === null
      ? ` ${JSON.stringify(data)}\n`
      : `\n${Object.entries(data)
          .map(
            ([key, entry]) =>
              `${indent}${Array.isArray(data) ? '-' : `${key}:`}${block(entry, `${indent}  `)}`,
          )
          .join('')}`;

  for (const [name, text] of [
    ['c.json', JSON.stringify(value, null, 2)],
    ['c.yaml', block(value, '').trimStart()],
  ] as const) {
    it(`are loaded from ${name} in less than 5 s of CPU time`, async (t) => {
      const start = performance.now();
      const before = process.cpuUsage();
      const { dataPlane } = await load({ [name]: text });
      const took = performance.now() - start;
      const { user, system } = process.cpuUsage(before);
      const cpu = (user + system) / 1000;
      t.diagnostic(
        `${name}: ${(text.length / 1024 ** 2).toFixed(1)} MiB in ${took.toFixed(0)} ms, ${cpu.toFixed(0)} ms of CPU time`,
      );
      assert.equal(Object.keys(dataPlane.routes).length, 10_000);
      assert.ok(cpu < 5000, `${cpu} ms`);
    });
  }
});

describe('The JSON Schema', () => {
  it('describes every part and the options of the built-in policies', () => {
    const schema = configJsonSchema() as {
      readonly properties: Readonly<Record<string, { readonly $ref?: string }>>;
      readonly additionalProperties: unknown;
      readonly $defs: {
        readonly policyList: { readonly items: { readonly properties: Readonly<Record<string, object>> } };
      };
    };
    assert.deepEqual(Object.keys(schema.properties), [
      '$schema',
      'listeners',
      'certificates',
      'services',
      'routes',
      'apis',
      'policies',
      'lists',
      'plans',
      'consumers',
      'providers',
      'sessions',
      'state',
      'admin',
      'runtime',
      'observability',
    ]);
    assert.equal(schema.additionalProperties, false);
    assert.equal(schema.properties['policies']?.$ref, '#/$defs/policyList');
    assert.deepEqual(Object.keys(schema.$defs.policyList.items.properties), [...builtinPolicies.keys()]);
    assert.ok(JSON.stringify(schema.$defs.policyList.items.properties['cors']).includes('"origins"'));
  });

  it('requires nothing that has a default', () => {
    assert.equal('required' in configJsonSchema(), false);
  });
});

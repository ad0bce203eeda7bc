import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { formatErrors } from './format.ts';
import { directory, load, messages, place } from './load.support.ts';
import { loadConfig } from './load.ts';

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

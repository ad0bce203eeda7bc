import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatErrors } from '../src/control/config/format.ts';
import { loadConfig } from '../src/control/config/load.ts';
import { type Pair, TestAuthority } from './support/certificates.ts';
import { anchorsOf, exampleName, fencesOf, linksOf } from './support/markdown.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SKIPPED = new Set(['.git', 'node_modules', 'dist', 'tmp']);
const BINARY = /\.(?:png|ico|gif|jpe?g|woff2?|gz|tgz|bin|wasm)$/;

/** Every file of the project, without what is installed or made. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    // In a second working tree, .git is a file.
    if (SKIPPED.has(entry.name) || path === join(root, 'bench', 'out')) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

const files = filesBelow(root);
const documents = files.filter((file) => file.endsWith('.md'));
const shown = (file: string) => relative(root, file);

/** What is wrong with a configuration, for people; empty when nothing is. */
async function complaints(file: string, environment: Record<string, string | undefined>): Promise<string> {
  const result = await loadConfig(file, { env: environment });
  return formatErrors(result.ok ? result.warnings : [...result.errors, ...result.warnings]);
}

/** Any name that a document asks for is set; certificates and keys by the ends of their names. */
function everyVariable({ cert, key }: Pair): Record<string, string | undefined> {
  return new Proxy<Record<string, string | undefined>>(
    {},
    {
      get: (_, name) => {
        if (String(name).endsWith('_TLS_CERT')) return cert;
        if (String(name).endsWith('_TLS_KEY')) return key;
        return 'an-example-value-long-enough-for-a-key';
      },
    },
  );
}

describe('Examples', () => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-docs-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  let environment: Record<string, string | undefined>;
  before(async () => {
    const authority = await TestAuthority.make();
    environment = everyVariable(await authority.issue('example', ['shop.example.com', '*.shop.example.com']));
  });

  const found = documents.flatMap((document, at) => {
    const home = join(directory, String(at));
    return fencesOf(readFileSync(document, 'utf8')).flatMap((fence) => {
      const name = exampleName(fence);
      return name === undefined ? [] : [{ document, home, fence, name, file: join(home, name) }];
    });
  });
  // All of a document's examples first, since one may name another: a configuration its policy.
  for (const { file, fence } of found) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, fence.text);
  }

  it('are there', () => assert.ok(found.length > 0));

  it('have names of their own within a document', () => {
    const names = found.map(({ document, name }) => `${shown(document)}: ${name}`);
    assert.deepEqual(names, [...new Set(names)]);
  });

  for (const { document, fence, name, file, home } of found) {
    // An OpenAPI document is not a configuration: the one beside it loads it.
    if (!/\.(?:ya?ml|json)$/.test(name) || /^openapi:/m.test(fence.text)) continue;
    it(`${shown(document)}:${fence.line} ${name} loads without an error or a warning`, async () => {
      assert.ok(file.startsWith(home), 'the name leads out of the folder');
      assert.equal(await complaints(file, environment), '');
    });
  }

  it('the quickstart loads without an error or a warning', async () => {
    assert.equal(await complaints(join(root, 'examples', 'quickstart', 'portcullis.yaml'), {}), '');
  });
});

describe('Links between documents', () => {
  for (const document of documents) {
    it(`lead somewhere: ${shown(document)}`, () => {
      const lost = linksOf(readFileSync(document, 'utf8')).filter(
        ({ target }) => !leadsSomewhere(document, target),
      );
      assert.deepEqual(lost, []);
    });
  }

  it('are found to be lost', () => {
    const readme = join(root, 'README.md');
    assert.equal(leadsSomewhere(readme, 'docs/decisions.md'), true);
    assert.equal(leadsSomewhere(readme, 'docs/decisions.md#dependencies-of-the-program'), true);
    assert.equal(leadsSomewhere(readme, '#try-it'), true);
    assert.equal(leadsSomewhere(readme, 'docs/no-such-page.md'), false);
    assert.equal(leadsSomewhere(readme, 'docs/decisions.md#no-such-heading'), false);
    assert.equal(leadsSomewhere(readme, '#no-such-heading'), false);
    assert.equal(leadsSomewhere(readme, '../outside.md'), false);
  });
});

function leadsSomewhere(document: string, target: string): boolean {
  if (/^(?:https?|mailto):/.test(target)) return true;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? document : resolve(dirname(document), path);
  if (!file.startsWith(root) || !existsSync(file)) return false;
  if (anchor === undefined) return true;
  return file.endsWith('.md') && anchorsOf(readFileSync(file, 'utf8')).has(anchor);
}

describe('The list of dependencies in docs/decisions.md', () => {
  const tables = readFileSync(join(root, 'docs', 'decisions.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const listed = tables.flatMap((line) =>
    [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<string, Readonly<Record<string, string>>>;
  const used = Object.keys({ ...dependencies, ...devDependencies });
  const covers = (entry: string, name: string) =>
    entry.endsWith('/*') ? name.startsWith(entry.slice(0, -1)) : entry === name;

  it('names every one', () => {
    assert.deepEqual(
      used.filter((name) => !listed.some((entry) => covers(entry, name))),
      [],
    );
  });

  it('names none that is not used', () => {
    assert.deepEqual(
      listed.filter((entry) => !used.some((name) => covers(entry, name))),
      [],
    );
  });
});

/** Names that only the machine knows on which somebody works. */
function machineNames(): RegExp[] {
  const names = [root, dirname(root), homedir()].filter((name) => name.split('/').length > 2);
  const literal = (name: string) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const host = hostname();
  return [
    ...names.map((name) => new RegExp(`(?<![\\w.-])${literal(name)}(?![\\w-])`)),
    /(?<![\w.~-])\/(?:home|Users)\/(?!<|name\b|user\b|you\b)[\w.-]+\/[\w.-]+/,
    /(?<![\w.-])\/work\/\w/,
    /(?<![\w.-])\/tmp\/h\//,
    // Registries other than the public one.
    /"resolved": "https?:\/\/(?!registry\.npmjs\.org\/)/,
    /^registry\s*=/m,
    // A machine's name tells nothing when it is a common word.
    ...(host.length >= 8 && /\d/.test(host) ? [new RegExp(`\\b${literal(host)}\\b`)] : []),
  ];
}

describe('No file', () => {
  it('names the machine on which it was written', () => {
    const names = machineNames();
    const own = fileURLToPath(import.meta.url);
    const traces = files
      .filter((file) => file !== own && !BINARY.test(file))
      .flatMap((file) => {
        const text = readFileSync(file, 'utf8');
        return names.filter((name) => name.test(text)).map((name) => `${shown(file)}: ${name.source}`);
      });
    assert.deepEqual(traces, []);
  });

  it('with such a name goes unnoticed', () => {
    const noticed = (text: string) => machineNames().some((name) => name.test(text));
    for (const text of [
      '/work/project/file.ts',
      '/home/ada/project/file.ts',
      '"resolved": "https://registry.internal/zod.tgz"',
      'registry=https://registry.internal/',
    ]) {
      assert.ok(noticed(text), text);
    }
    for (const text of [
      '/api/work/1',
      '/home',
      'a/home/b/c',
      '"resolved": "https://registry.npmjs.org/zod.tgz"',
    ]) {
      assert.ok(!noticed(text), text);
    }
  });
});

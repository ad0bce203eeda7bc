import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkArchitecture, type SourceFile } from './support/architecture.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function readSources(): SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return { path: relative(root, file).split(sep).join('/'), text: readFileSync(file, 'utf8') };
    });
}

describe('The sources', () => {
  it('keep every rule', () => {
    const sources = readSources();
    assert.ok(sources.length > 50, 'the sources were not found');
    assert.deepEqual(checkArchitecture(sources), []);
  });
});

interface Sample {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
}

const samples: readonly Sample[] = [
  {
    title: 'an import of a higher layer',
    files: {
      'src/routing/match.ts': "import { handle } from '../gateway/handle.ts';",
      'src/gateway/handle.ts': 'export function handle() {}',
    },
    problems: ['src/routing/match.ts:1: routing is below gateway and must not import it'],
  },
  {
    title: 'an import of a higher layer for its types alone',
    files: {
      'src/http/head.ts': "import type {\n  Exchange,\n} from '../policy/contract.ts';",
      'src/policy/contract.ts': 'export interface Exchange {}',
    },
    problems: ['src/http/head.ts:3: http is below policy and must not import it'],
  },
  {
    title: 'a higher layer that is exported again',
    files: { 'src/lib/all.ts': "export * from '../main/cli.ts';", 'src/main/cli.ts': 'export {};' },
    problems: ['src/lib/all.ts:1: lib is below main and must not import it'],
  },
  {
    title: 'a higher layer that is imported on demand',
    files: {
      'src/lib/late.ts': "const cli = await import('../main/cli.ts');",
      'src/main/cli.ts': 'export {};',
    },
    problems: ['src/lib/late.ts:1: lib is below main and must not import it'],
  },
  {
    title: 'an import of one of the doors of the package',
    files: { 'src/main/cli.ts': "import { z } from '../index.ts';", 'src/index.ts': 'export const z = 1;' },
    problems: ['src/main/cli.ts:1: src/index.ts is a door of the package: nothing inside goes through it'],
  },
  {
    title: 'a folder without a layer',
    files: { 'src/utils/misc.ts': 'export const one = 1;' },
    problems: [
      'src/utils/misc.ts:1: utils is not a layer: say in test/support/architecture.ts where it stands',
    ],
  },
  {
    title: 'files that import each other',
    files: {
      'src/lib/a.ts': "import { b } from './b.ts';\nexport const a = b;",
      'src/lib/b.ts': "import { c } from './c.ts';\nexport const b = c;",
      'src/lib/c.ts': "import type { a } from './a.ts';\nexport const c = 1;",
    },
    problems: [
      'src/lib/a.ts:1: a cycle of imports: src/lib/a.ts > src/lib/b.ts > src/lib/c.ts > src/lib/a.ts',
    ],
  },
  {
    title: 'layers at one height that import each other',
    files: {
      'src/routing/a.ts': "import { b } from '../policies/b.ts';\nexport const a = b;",
      'src/policies/b.ts': 'export const b = 1;',
      'src/policies/c.ts': "import { d } from '../routing/d.ts';\nexport const c = d;",
      'src/routing/d.ts': 'export const d = 1;',
    },
    problems: [
      'src/policies/c.ts:1: policies imports routing, and routing imports policies (src/routing/a.ts:1)',
    ],
  },
  {
    title: 'a default export',
    files: { 'src/lib/a.ts': 'export default function a() {}' },
    problems: ['src/lib/a.ts:1: a default export: give it a name'],
  },
  {
    title: 'a default export under another form',
    files: { 'src/lib/a.ts': 'const a = 1;\nexport { a as default };' },
    problems: ['src/lib/a.ts:2: a default export: give it a name'],
  },
  {
    title: 'any, as a type, an argument of a type, an array or a cast',
    files: {
      'src/lib/a.ts': [
        'export function a(value: any) {}',
        'export const b = new Map<string, any>();',
        'export type C = any[];',
        'export const d = (value: unknown) => value as any;',
      ].join('\n'),
    },
    problems: [1, 2, 3, 4].map((line) => `src/lib/a.ts:${line}: any: use unknown, and narrow it`),
  },
  {
    title: 'a file of more than 500 lines',
    files: { 'src/lib/a.ts': 'export {};\n'.repeat(501) },
    problems: ['src/lib/a.ts:501: a file of 501 lines: split it by what it does, at 500 lines at most'],
  },
  {
    title: 'a variable at the top of a module',
    files: {
      'src/lib/a.ts':
        'let count = 0;\nexport function next() {\n  let more = 1;\n  return count + more;\n}\nexport let other = 1;\nvar old = 2;',
    },
    problems: [1, 6, 7].map(
      (line) => `src/lib/a.ts:${line}: mutable state of a module: hold it in an object that somebody owns`,
    ),
  },
];

describe('The rules of the architecture refuse', () => {
  for (const { title, files, problems } of samples) {
    it(title, () => {
      const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
      assert.deepEqual(checkArchitecture(sources), problems);
    });
  }
});

describe('The rules of the architecture allow', () => {
  it('imports of lower layers, of packages and of Node, and words that only look like something refused', () => {
    const sources = [
      {
        path: 'src/gateway/handle.ts',
        text: [
          "import { readFile } from 'node:fs';",
          "import { z } from 'zod';",
          "import { match } from '../routing/match.ts';",
          "// import { cli } from '../main/cli.ts'; any: let there be none",
          '/* export default any;',
          'let it be; */',
          "export const text = 'export default any, let x: any';",
          'export const template = `',
          'let x: any',
          '`;',
          'export const pattern = /as any/;',
          'export const z1 = z.any();',
          'export const anything: string = "as any";',
          'export function inner() {',
          '  let count = 0;',
          '  return count + match + readFile;',
          '}',
        ].join('\n'),
      },
      { path: 'src/routing/match.ts', text: "import { a } from '../lib/a.ts';\nexport const match = a;" },
      { path: 'src/lib/a.ts', text: 'export const a = 1;' },
      { path: 'src/main/cli.ts', text: 'export {};' },
      { path: 'src/index.ts', text: "export { match } from './routing/match.ts';" },
    ];
    assert.deepEqual(checkArchitecture(sources), []);
  });

  it('a file of 500 lines', () => {
    assert.deepEqual(checkArchitecture([{ path: 'src/lib/a.ts', text: 'export {};\n'.repeat(500) }]), []);
  });

  it('a test that imports a higher layer, the doors and long tables', () => {
    const sources = [
      { path: 'src/lib/a.test.ts', text: `import { cli } from '../main/cli.ts';\n${'\n'.repeat(600)}` },
      { path: 'src/main/cli.ts', text: 'export {};' },
    ];
    assert.deepEqual(checkArchitecture(sources), []);
  });
});

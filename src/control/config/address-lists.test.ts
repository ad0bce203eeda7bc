import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Workspace } from '../../../test/support/cli.ts';
import { CidrSet } from '../../lib/address-table.ts';
import { writeCountryDatabase } from '../../lib/mmdb-writer.support.ts';
import { AddressLists } from '../../policies/address-lists.ts';
import { checkErrors } from './errors.support.ts';
import { loadConfig } from './load.ts';
import { LoadCache } from './load-cache.ts';

const DATABASE = writeCountryDatabase({
  ipVersion: 6,
  recordSize: 28,
  networks: { '192.0.2.0/24': 'DE', '2001:db8::/32': 'DE', '198.51.100.0/24': 'FR' },
});

describe('Lists of a configuration', () => {
  it('have the addresses that are written, those of a file and those of countries', async () => {
    using files = new Workspace({
      'c.yaml': `lists:
  written: { addresses: [10.0.0.0/8, "::1"] }
  filed: { file: lists/blocked.txt }
  home: { countries: [DE], database: countries.mmdb }
  bots: { texts: [BadBot/1.0] }
  old: { file: lists/old.txt, holds: prefixes }
`,
      'lists/blocked.txt': '# abusers\n203.0.113.0/24\n',
      'lists/old.txt': '# gone\n/v1/\n',
    });
    files.write('countries.mmdb', DATABASE);
    const result = await loadConfig(files.path('c.yaml'), {});
    assert.ok(result.ok);
    const { lists } = result.config.dataPlane;
    const has = (name: string, ...addresses: string[]) =>
      addresses.map((address) => new CidrSet(lists[name]?.table ?? new Uint32Array(2)).has(address));
    assert.deepEqual(has('written', '10.1.2.3', '::1', '::2'), [true, true, false]);
    assert.deepEqual(has('filed', '203.0.113.9', '203.0.114.9'), [true, false]);
    assert.deepEqual(has('home', '192.0.2.1', '2001:db8::1', '198.51.100.1'), [true, true, false]);
    const worker = new AddressLists(lists);
    assert.deepEqual(
      [worker.textsNamed('bots').has('BadBot/1.0'), worker.textsNamed('bots').has('BadBot/1')],
      [true, false],
    );
    assert.deepEqual(
      [worker.textsNamed('old').has('/v1/users'), worker.textsNamed('old').has('/v2/')],
      [true, false],
    );
    assert.deepEqual(
      Object.values(lists).map(({ kind }) => kind),
      ['addresses', 'addresses', 'countries', 'texts', 'prefixes'],
    );
    assert.deepEqual(result.config.files.map((file) => file.slice(files.directory.length + 1)).toSorted(), [
      'c.yaml',
      'countries.mmdb',
      'lists/blocked.txt',
      'lists/old.txt',
    ]);
  });

  it('make another configuration of it when their file changes, and are the same objects when it does not', async () => {
    using files = new Workspace({
      'c.yaml': 'lists: { a: { file: a.txt }, b: { file: b.txt } }\n',
      'a.txt': '10.0.0.1\n',
      'b.txt': '',
    });
    const cache = new LoadCache();
    const load = async () => {
      const result = await loadConfig(files.path('c.yaml'), { cache });
      assert.ok(result.ok);
      return result.config;
    };
    const [first, again] = [await load(), await load()];
    files.write('a.txt', '10.0.0.2\n');
    const changed = await load();
    assert.equal(first.hash, again.hash);
    assert.notEqual(first.hash, changed.hash);
    assert.equal(first.dataPlane.lists['a'], again.dataPlane.lists['a']);
    assert.notEqual(first.dataPlane.lists['a'], changed.dataPlane.lists['a']);
    assert.equal(first.dataPlane.lists['b'], changed.dataPlane.lists['b']);
  });

  it('that stand in conflict since a file changed are refused, although no route did', async () => {
    using files = new Workspace({
      'c.yaml': `lists: { blocked: { file: blocked.txt } }
routes:
  a:
    match: { paths: [/a] }
    policies: [{ ip-filter: { allow: [10.0.0.0/8], deny: [{ list: blocked }] } }]
    respond: {}
`,
      'blocked.txt': '10.9.0.0/16\n',
    });
    const cache = new LoadCache();
    const load = () => loadConfig(files.path('c.yaml'), { cache });
    assert.ok((await load()).ok);
    files.write('blocked.txt', '10.9.0.0/16\n10.0.0.0/8\n');
    const refused = await load();
    assert.ok(!refused.ok);
    assert.deepEqual(
      refused.errors.map(({ line, column, path, message }) => [line, column, path, message]),
      [
        [
          5,
          59,
          'routes.a.policies[0].ip-filter.deny[0]',
          '10.0.0.0/8 of the list blocked is allowed too: allow[0] has it',
        ],
      ],
    );
  });
});

const LINE = (line: number): string =>
  `a.txt:${line}:1: lists.a.file: is not an address or a range: "x" is not an IPv4 or IPv6 address
${String(line).padStart(4)} | x
     | ^
`;

describe('Errors of lists', () => {
  checkErrors([
    {
      title: 'in a file are told with its line',
      files: {
        'c.yaml':
          'lists: { blocked: { file: lists/blocked.txt } }\npolicies: [{ ip-filter: { deny: [{ list: blocked }] } }]\n',
        'lists/blocked.txt': '10.0.0.0/8\n10.0.0.1/8 # too long\n  example.com\n',
      },
      errors: `lists/blocked.txt:2:1: lists.blocked.file: is not an address or a range: it has bits set beyond its prefix; write 10.0.0.0/8
   2 | 10.0.0.1/8 # too long
     | ^^^^^^^^^^
lists/blocked.txt:3:3: lists.blocked.file: is not an address or a range: "example.com" is not an IPv4 or IPv6 address
   3 |   example.com
     |   ^^^^^^^^^^^
`,
    },
    {
      title: 'among the addresses are told with their line',
      files: { 'c.yaml': 'lists:\n  office:\n    addresses:\n      - 10.0.0.0/8\n      - 10.0.0\n' },
      errors: `c.yaml:5:9: lists.office.addresses[1]: is not an address or a range: "10.0.0" is not an IPv4 or IPv6 address
   5 |       - 10.0.0
     |         ^^^^^^
`,
    },
    {
      title: 'tell a file that is not there, and one that is no database',
      files: {
        'c.yaml':
          'lists:\n  a: { file: none.txt }\n  b: { countries: [DE], database: none.mmdb }\n  c: { countries: [DE], database: c.yaml }\n',
      },
      errors: `c.yaml:2:14: lists.a.file: the file <dir>/none.txt does not exist
   2 |   a: { file: none.txt }
     |              ^^^^^^^^
c.yaml:3:35: lists.b.database: the file <dir>/none.mmdb does not exist
   3 |   b: { countries: [DE], database: none.mmdb }
     |                                   ^^^^^^^^^
c.yaml:4:35: lists.c.database: the file <dir>/c.yaml is no database in MaxMind’s format, or it is broken
   4 |   c: { countries: [DE], database: c.yaml }
     |                                   ^^^^^^
`,
    },
    {
      title: 'tell a list without a source, with several, and countries without a database',
      files: {
        'c.yaml':
          'lists:\n  a: {}\n  b: { addresses: [], file: x.txt }\n  c: { countries: [DE] }\n  d: { countries: [de], database: x.mmdb }\n',
        'x.txt': '',
      },
      errors: `c.yaml:2:3: lists.a: needs one of addresses, texts, prefixes, file, countries
   2 |   a: {}
     |   ^
c.yaml:3:29: lists.b.file: is one too many: the list has addresses already
   3 |   b: { addresses: [], file: x.txt }
     |                             ^^^^^
c.yaml:4:8: lists.c.countries: needs a database that knows which addresses are theirs
   4 |   c: { countries: [DE] }
     |        ^^^^^^^^^
c.yaml:5:20: lists.d.countries[0]: is not the code of a country: write two capital letters, such as DE
   5 |   d: { countries: [de], database: x.mmdb }
     |                    ^^
c.yaml:5:35: lists.d.database: the file <dir>/x.mmdb does not exist
   5 |   d: { countries: [de], database: x.mmdb }
     |                                   ^^^^^^
`,
    },
    {
      title: 'tell a list that is not there',
      files: {
        'c.yaml':
          'lists: { office: { addresses: [10.0.0.1] } }\npolicies:\n  - ip-filter: { allow: [{ list: offices }] }\n',
      },
      errors: `c.yaml:3:34: policies[0].ip-filter.allow[0].list: there is no list "offices"; did you mean "office"?
   3 |   - ip-filter: { allow: [{ list: offices }] }
     |                                  ^^^^^^^
`,
    },
    {
      title: 'tell texts that nothing can be, and where in their file they are',
      files: {
        'c.yaml':
          'lists:\n  a: { texts: [" x"] }\n  b: { file: b.txt, holds: texts }\n  c: { addresses: [], holds: texts }\n',
        'b.txt': 'good\nb\u0161d\n',
      },
      errors: `c.yaml:2:16: lists.a.texts[0]: begins or ends with a space, which no path or field does
   2 |   a: { texts: [" x"] }
     |                ^^^^
c.yaml:4:30: lists.c.holds: says what stands in a file: there is none
   4 |   c: { addresses: [], holds: texts }
     |                              ^^^^^
b.txt:2:1: lists.b.file: holds a character that neither a path nor a field may hold
   2 | b\u0161d
     | ^^^
`,
    },
    {
      title: 'tell a list of texts where addresses are meant, and the other way round',
      files: {
        'c.yaml':
          'lists: { office: { addresses: [10.0.0.1] }, bots: { texts: [x] } }\npolicies:\n  - ip-filter: { deny: [{ list: bots }] }\n  - request-filter: { deny: [{ userAgent: { list: office } }, { path: { list: bot } }] }\n',
      },
      errors: `c.yaml:3:33: policies[0].ip-filter.deny[0].list: the list "bots" holds texts, and no addresses
   3 |   - ip-filter: { deny: [{ list: bots }] }
     |                                 ^^^^
c.yaml:4:51: policies[1].request-filter.deny[0].userAgent.list: the list "office" holds addresses, and no texts
   4 |   - request-filter: { deny: [{ userAgent: { list: office } }, { path: { list: bot } }] }
     |                                                   ^^^^^^
c.yaml:4:79: policies[1].request-filter.deny[1].path.list: there is no list "bot"; did you mean "bots"?
   4 |   - request-filter: { deny: [{ userAgent: { list: office } }, { path: { list: bot } }] }
     |                                                                               ^^^
`,
    },
    {
      title: 'tell no more than twenty lines of a file',
      files: { 'c.yaml': 'lists: { a: { file: a.txt } }\n', 'a.txt': 'x\n'.repeat(100_000) },
      errors: `c.yaml:1:21: lists.a.file: 99980 further lines of the file are wrong
   1 | lists: { a: { file: a.txt } }
     |                     ^^^^^
${Array.from({ length: 20 }, (_, i) => LINE(i + 1)).join('')}`,
    },
  ]);
});

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { keyDigest } from '../identity/consumers/api-keys.ts';
import { verifyPassword } from '../identity/passwords/password-hash.ts';
import { parsePhc } from '../identity/passwords/phc.ts';
import { allCommands, main } from './cli.ts';
import type { Io } from './command-line.ts';
import { commandHelp, programHelp } from './help.ts';
import { STARTER_FILES } from './starter.ts';
import { VERSION } from './version.ts';

const COMMANDS = await allCommands();

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  argv: readonly string[],
  cwd = '/',
  env: Record<string, string> = {},
  secret?: string,
): Promise<Ran> {
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    cwd,
    env,
    terminal: false,
    errTerminal: false,
    color: false,
    secret: async () => secret,
  };
  const code = await main(argv, io);
  return { code, out, err };
}

const directories: string[] = [];
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-cli-'));
  directories.push(directory);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

const GOOD = `services:
  users: { url: 'http://127.0.0.1:3000' }
policies:
  - cors: { origins: ['https://app.example'] }
routes:
  user:
    match: { hosts: [api.example], paths: ['/users/{id}'], methods: [GET] }
    policies:
      - headers: { request: { set: { x-id: '1' } } }
    service: users
    rewrite: { path: '/v1/{id}' }
  all:
    match: { paths: ['/*'] }
    redirect: { status: 308, host: www.example }
`;
const HIDDEN = `routes:
  first: { match: { paths: ['/a/*'] }, priority: 1, respond: {} }
  never: { match: { paths: [/a/b] }, respond: {} }
`;
const BAD = `routes:
  a: { match: { paths: [/a] }, servce: users }
`;
const SERVE_USAGE = 'Usage: portcullis serve [flags]\n';

describe('the command line', () => {
  const CASES: readonly [title: string, argv: string[], code: number, out: string, err: string][] = [
    ['without anything shows the help, as an error', [], 2, '', programHelp(COMMANDS)],
    ['shows its help', ['--help'], 0, programHelp(COMMANDS), ''],
    ['shows its version', ['--version'], 0, `portcullis ${VERSION}\n`, ''],
    [
      'knows no other command and says which is near',
      ['sevre'],
      2,
      '',
      'portcullis: unknown command sevre (did you mean serve?)\nRun portcullis --help for the commands.\n',
    ],
    [
      'makes no guess where nothing is near',
      ['frobnicate'],
      2,
      '',
      'portcullis: unknown command frobnicate\nRun portcullis --help for the commands.\n',
    ],
    [
      'knows no other flag before the command',
      ['--versoin'],
      2,
      '',
      'portcullis: unknown flag --versoin (did you mean --version?)\nRun portcullis --help for the commands.\n',
    ],
    [
      'knows no other flag of a command',
      ['serve', '--wrokers', '2'],
      2,
      '',
      `portcullis serve: unknown flag --wrokers (did you mean --workers?)\n${SERVE_USAGE}`,
    ],
    [
      'wants the value of a flag',
      ['serve', '-c'],
      2,
      '',
      `portcullis serve: -c needs a value: <file>\n${SERVE_USAGE}`,
    ],
    [
      'does not take a flag for a value',
      ['serve', '-c', '--workers'],
      2,
      '',
      `portcullis serve: -c needs a value: <file>\n${SERVE_USAGE}`,
    ],
    [
      'refuses a value that a flag has no use for',
      ['check', '--json=yes'],
      2,
      '',
      'portcullis check: --json takes no value\nUsage: portcullis check [file] [flags]\n',
    ],
    [
      'checks one file',
      ['check', 'a.yaml', '-c', 'b.yaml'],
      2,
      '',
      'portcullis check: the file is given twice: as the argument and with --config\n',
    ],
    [
      'refuses a flag given twice',
      ['serve', '-c', 'a', '-c', 'b'],
      2,
      '',
      `portcullis serve: -c is given twice\n${SERVE_USAGE}`,
    ],
    [
      'refuses an argument too many',
      ['serve', 'now'],
      2,
      '',
      `portcullis serve: unexpected argument "now"\n${SERVE_USAGE}`,
    ],
    [
      'refuses a number of workers that is none',
      ['serve', '--workers', 'many'],
      2,
      '',
      'portcullis serve: --workers takes a number from 0 to 64, not "many"\n',
    ],
    [
      'wants an argument',
      ['completion'],
      2,
      '',
      'portcullis completion: <shell> is missing\nUsage: portcullis completion <shell> [flags]\n',
    ],
    [
      'names the choices of an argument',
      ['completion', 'fsh'],
      2,
      '',
      'portcullis completion: "fsh" is not a shell: bash, zsh, fish (did you mean zsh?)\nUsage: portcullis completion <shell> [flags]\n',
    ],
  ];
  for (const [title, argv, code, out, err] of CASES) {
    it(title, async () => assert.deepEqual(await run(argv), { code, out, err }));
  }

  for (const command of COMMANDS) {
    it(`shows the help of ${command.name} in three ways`, async () => {
      const shown = { code: 0, out: commandHelp(command), err: '' };
      assert.deepEqual(await run([command.name, '--help']), shown);
      assert.deepEqual(await run([command.name, '-h']), shown);
      assert.deepEqual(await run(['help', command.name]), shown);
    });
  }
});

describe('portcullis check', () => {
  const CASES: readonly [title: string, text: string, argv: string[], code: number, out: string][] = [
    ['passes a good file', GOOD, ['check'], 0, 'ok\n'],
    ['passes a good file named by a flag', GOOD, ['check', '-c', 'portcullis.yaml'], 0, 'ok\n'],
    [
      'shows an error with its place and what was meant',
      BAD,
      ['check', 'portcullis.yaml'],
      1,
      `portcullis.yaml:2:32: routes.a.servce: unknown key "servce"; did you mean "service"?
   2 |   a: { match: { paths: [/a] }, servce: users }
     |                                ^^^^^^
not ok: 1 error
`,
    ],
  ];
  for (const [title, text, argv, code, out] of CASES) {
    it(title, async () => {
      const ran = await run(argv, directoryWith({ 'portcullis.yaml': text }));
      assert.equal(ran.err, '');
      assert.equal(ran.out, out);
      assert.equal(ran.code, code);
    });
  }

  it('warns of a route that can never match, and fails on it when it is to be strict', async () => {
    const directory = directoryWith({ 'portcullis.yaml': HIDDEN });
    const lenient = await run(['check'], directory);
    assert.equal(lenient.code, 0);
    assert.match(
      lenient.out,
      /^portcullis\.yaml:3:12: warning: routes\.never\.match: can never match: first takes /,
    );
    assert.match(lenient.out, /\nok: 1 warning\n$/);
    const strict = await run(['check', '--strict'], directory);
    assert.equal(strict.code, 1);
    assert.match(strict.out, /\nnot ok: 1 warning\n$/);
  });

  it('gives JSON', async () => {
    const directory = directoryWith({ 'portcullis.yaml': BAD });
    const { code, out } = await run(['check', '--json'], directory);
    const answer = JSON.parse(out) as {
      ok: boolean;
      file: string;
      errors: { line: number; column: number; suggestion?: string }[];
    };
    assert.equal(code, 1);
    assert.equal(answer.ok, false);
    assert.equal(answer.file, join(directory, 'portcullis.yaml'));
    assert.deepEqual(
      [answer.errors[0]?.line, answer.errors[0]?.column, answer.errors[0]?.suggestion],
      [2, 32, 'service'],
    );
  });

  it('says where it looked for a file', async () => {
    const directory = directoryWith({});
    assert.deepEqual(await run(['check'], directory), {
      code: 1,
      out: '',
      err: `portcullis check: there is no portcullis.yaml, portcullis.yml, portcullis.json, portcullis.ts in ${directory}: name a file with -c, or make one with portcullis init\n`,
    });
  });
});

describe('portcullis explain', () => {
  it('tells the route, its policies, the service and why the others lost', async () => {
    const directory = directoryWith({ 'portcullis.yaml': GOOD });
    assert.deepEqual(await run(['explain', 'GET https://API.example/users/x/../7?q=1'], directory), {
      code: 0,
      out: `GET https://api.example/users/7?q=1

Route: user (portcullis.yaml:6) by path /users/{id}
  id = 7

Policies, in the order in which they run:
  admission  cors     (portcullis.yaml:4) every route
  transform  headers  (portcullis.yaml:9)

Service: users (portcullis.yaml:2)
  target http://127.0.0.1:3000
  path   /v1/7?q=1
  host   api.example

Other routes, and why not:
  all  it matches too, but user goes before it: host api.example is more specific than any host (portcullis.yaml:12)
`,
      err: '',
    });
  });

  it('tells where a redirect leads', async () => {
    const { code, out } = await run(
      ['explain', 'https://api.example:8443/a'],
      directoryWith({ 'portcullis.yaml': GOOD }),
    );
    assert.equal(code, 0);
    assert.match(out, /\nAnswer: 308, Location: https:\/\/www\.example:8443\/a\n/);
  });

  it('tells the methods that would be allowed, and exits with 1', async () => {
    const text = 'routes:\n  a: { match: { paths: [/a], methods: [PUT] }, respond: {} }\n';
    const { code, out } = await run(['explain', 'POST /a'], directoryWith({ 'portcullis.yaml': text }));
    assert.equal(code, 1);
    assert.match(out, /\nAnswer: 405 method_not_allowed, Allow: PUT\n/);
  });

  it('gives JSON', async () => {
    const directory = directoryWith({ 'portcullis.yaml': GOOD });
    const { out } = await run(['explain', '--json', 'GET http://api.example/users/7'], directory);
    const answer = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual(answer['route'], {
      name: 'user',
      place: { file: join(directory, 'portcullis.yaml'), line: 6, column: 3 },
      pattern: '/users/{id}',
      captures: { id: '7' },
    });
    assert.deepEqual(answer['outcome'], {
      kind: 'service',
      services: [
        {
          name: 'users',
          place: { file: join(directory, 'portcullis.yaml'), line: 2, column: 3 },
          weight: 1,
          targets: [{ url: 'http://127.0.0.1:3000', weight: 1 }],
          settings: [],
        },
      ],
      upstreamPath: '/v1/7',
      upstreamHost: 'api.example',
    });
  });

  const REFUSED: readonly [title: string, argv: string[], code: number, err: string][] = [
    [
      'a request of three words',
      ['GET /a HTTP/1.1'],
      2,
      "the request is one argument, such as 'GET https://host/path'",
    ],
    ['a header without a colon', ['/a', '-H', 'x'], 2, `"x" is not a header: write 'name: value'`],
    ['a header that cannot be one', ['/a', '-H', 'a b: 1'], 1, 'not a field name: "a b"'],
    ['what is no URL', ['GET nowhere'], 1, '"nowhere" is not a URL: write https://host/path, or /path'],
    ['a host that is none', ['http://a,b/'], 1, '"a,b" is not a host'],
    [
      'a path that the gateway refuses',
      ['/a/..%2Fadmin'],
      1,
      'the path "/a/..%2Fadmin" is ambiguous or malformed: the gateway answers 400',
    ],
    [
      'a file and a running gateway at once',
      ['/a', '-c', 'x', '--admin', 'http://127.0.0.1:1'],
      2,
      '--config reads a file, --context and --admin ask a running gateway: give one of them',
    ],
    [
      'an admin address that is none',
      ['/a', '--admin', 'localhost'],
      2,
      '"localhost" is not the address of an admin port: write http://127.0.0.1:9900',
    ],
  ];
  for (const [title, argv, code, err] of REFUSED) {
    it(`refuses ${title}`, async () => {
      const directory = directoryWith({ 'portcullis.yaml': GOOD });
      assert.deepEqual(await run(['explain', ...argv], directory), {
        code,
        out: '',
        err: `portcullis explain: ${err}\n`,
      });
    });
  }
});

describe('portcullis init', () => {
  it('writes a configuration that passes the check, and never overwrites', async () => {
    const directory = directoryWith({});
    const made = await run(['init', 'gateway'], directory);
    assert.deepEqual(made, {
      code: 0,
      out: 'wrote gateway/portcullis.yaml\nwrote gateway/policies/greeting.ts\nStart it with: cd gateway && portcullis dev\n',
      err: '',
    });
    const inside = join(directory, 'gateway');
    assert.deepEqual(await run(['check', '--strict'], inside), { code: 0, out: 'ok\n', err: '' });
    const file = join(inside, 'portcullis.yaml');
    writeFileSync(file, 'mine');
    assert.deepEqual(await run(['init'], inside), {
      code: 1,
      out: '',
      err: `portcullis init: ${file} is there already; nothing was written\n`,
    });
    assert.equal(readFileSync(file, 'utf8'), 'mine');
  });

  it('writes nothing where only the policy is there', async () => {
    const directory = directoryWith({ 'policies/greeting.ts': '' });
    assert.equal((await run(['init'], directory)).code, 1);
    assert.equal(existsSync(join(directory, 'portcullis.yaml')), false);
    assert.equal(Object.keys(STARTER_FILES).length, 2);
  });
});

describe('portcullis schema', () => {
  it('prints the JSON Schema of the configuration', async () => {
    const { code, out } = await run(['schema']);
    assert.equal(code, 0);
    const schema = JSON.parse(out) as { $schema: string; properties: Record<string, unknown> };
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
    assert.ok(Object.keys(schema.properties).includes('routes'));
  });
});

describe('portcullis completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`names every command and every flag for ${shell}`, async () => {
      const { code, out } = await run(['completion', shell]);
      assert.equal(code, 0);
      for (const command of COMMANDS) {
        assert.match(out, new RegExp(`\\b${command.name}\\b`));
        for (const flag of Object.keys(command.flags)) assert.match(out, new RegExp(`\\b${flag}\\b`));
      }
    });
  }
});

describe('portcullis hash', () => {
  for (const [flags, kind] of [
    [[], 'argon2id'],
    [['--scrypt'], 'scrypt'],
  ] as const) {
    it(`prints a hash of ${kind} that the password fits`, async () => {
      const ran = await run(['hash', ...flags], '/', {}, 'sécret');
      assert.equal(ran.code, 0);
      const hash = parsePhc(ran.out.trim());
      assert.ok(typeof hash === 'object' && hash.kind === kind);
      assert.equal(await verifyPassword('sécret', hash), true);
      assert.ok(!ran.out.includes('sécret'));
    });
  }

  it('prints a new key each time, with its prefix and its hash', async () => {
    const [first, second] = [
      await run(['hash', '--api-key', '--prefix', 'acme_']),
      await run(['hash', '--api-key']),
    ];
    const match = /^key: {2}(acme_[\w-]{43})\nhash: sha256:([\w-]{43})\n$/.exec(first.out);
    assert.equal(match?.[2], keyDigest(match?.[1] ?? ''));
    assert.notEqual(first.out, second.out);
  });

  for (const [argv, secret, code, message] of [
    [[], undefined, 1, 'no password was given: one line of text, without control characters'],
    [[], 'a\u0000b', 1, 'no password was given: one line of text, without control characters'],
    [['--prefix', 'a'], 'x', 2, '--prefix goes with --api-key'],
    [['--api-key', '--scrypt'], 'x', 2, '--scrypt is for passwords: an API key is random'],
    [['--api-key', '--prefix', 'a b'], 'x', 2, 'a prefix is of up to 50 letters, digits, - and _'],
  ] as const) {
    it(`${argv.join(' ')} is refused: ${message}`, async () => {
      const ran = await run(['hash', ...argv], '/', {}, secret);
      assert.deepEqual([ran.code, ran.out, ran.err], [code, '', `portcullis hash: ${message}\n`]);
    });
  }
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type Ran, runIn } from './run.support.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-import-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const SECRET = 'a-shared-secret-of-32-characters-or-more';
writeFileSync(
  join(directory, 'kong.yaml'),
  `_format_version: "3.0"
services:
  - name: orders
    url: http://orders.internal:8080
    routes:
      - paths: [/orders]
        plugins:
          - name: jwt
consumers:
  - username: app
    jwt_secrets: [{ key: app, secret: ${SECRET} }]
`,
);
writeFileSync(join(directory, 'lossy.yaml'), '_format_version: "3.0"\nplugins: [{ name: prometheus }]\n');
writeFileSync(join(directory, 'other.yaml'), 'a: 1\n');
writeFileSync(join(directory, 'endpoints.json'), '{ "/api/": { "endpoint": "{BACKEND}/x/" } }');

/** Of the plugin jwt. */
const TOLD =
  'kong.yaml:8:13: note: services[0].routes[0].plugins[0]: a token that is over, or not yet valid, is refused, whatever claims_to_verify says\nEverything was carried over.\n';

const run = (...argv: readonly string[]): Promise<Ran> => runIn(directory, ['import', ...argv]);

describe('portcullis import', () => {
  it('prints the configuration, and what it asks for on stderr', async () => {
    const { code, out, err } = await run('kong.yaml');
    assert.equal(code, 0);
    assert.match(out, /^# Imported from kong\.yaml \(kong\)\./);
    assert.match(out, /\n {2}# kong\.yaml:3:5\n {2}orders:\n {4}url: http:\/\/orders\.internal:8080\n/);
    assert.equal(err, `${TOLD}Variables that the configuration asks for: APP_JWT_SECRET\n`);
    assert.ok(!out.includes(SECRET));
  });

  it('writes secrets to files for their owner alone, and the configuration that names them', async () => {
    const { code, out, err } = await run(
      'kong',
      'kong.yaml',
      '--secrets',
      'secrets',
      '-o',
      'portcullis.yaml',
    );
    assert.deepEqual({ code, out, err }, { code: 0, out: '', err: TOLD });
    assert.match(
      readFileSync(join(directory, 'portcullis.yaml'), 'utf8'),
      /secret: file:secrets\/APP_JWT_SECRET\n/,
    );
    const file = join(directory, 'secrets', 'APP_JWT_SECRET');
    assert.equal(readFileSync(file, 'utf8'), SECRET);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal((await runIn(directory, ['check', 'portcullis.yaml'])).code, 0);
  });

  it('overwrites nothing', async () => {
    writeFileSync(join(directory, 'there.yaml'), 'mine');
    const { code, err } = await run('kong.yaml', '-o', 'there.yaml');
    assert.equal(code, 1);
    assert.match(err, /^portcullis import: EEXIST/);
    assert.equal(readFileSync(join(directory, 'there.yaml'), 'utf8'), 'mine');
  });

  it('ends with 3 where something is lost, and says where', async () => {
    const { code, err } = await run('lossy.yaml');
    assert.equal(code, 3);
    assert.equal(
      err,
      'lossy.yaml:2:11: lost: plugins[0]: the plugin prometheus is not carried over\n' +
        '    the admin port has /metrics: docs/observability.md\n' +
        '1 thing is not carried over, or otherwise.\n',
    );
  });

  it('reports as JSON', async () => {
    const { err } = await run('lossy.yaml', '--report', 'json');
    const { kind, findings, variables } = JSON.parse(err) as {
      kind: string;
      findings: { line: number; path: string }[];
      variables: string[];
    };
    assert.deepEqual(
      [kind, findings.map(({ line, path }) => [line, path]), variables],
      ['kong', [[2, 'plugins[0]']], []],
    );
  });

  it('takes values of variables', async () => {
    const { code, out } = await run('renku', 'endpoints.json', '--set', 'BACKEND=http://backend.test:81');
    assert.equal(code, 0);
    assert.match(out, /url: http:\/\/backend\.test:81\n/);
  });

  const WRONG: readonly (readonly [title: string, argv: readonly string[], code: number, err: RegExp])[] = [
    [
      'a document that is none',
      ['other.yaml'],
      1,
      /^other\.yaml:1:1: the document is none that can be told by its look/,
    ],
    ['a document that is not there', ['missing.yaml'], 1, /^portcullis import: missing\.yaml /],
    [
      'a kind that there is not',
      ['nginx', 'other.yaml'],
      2,
      /^portcullis import: "nginx" is not a kind: openapi, kong, renku\n$/,
    ],
    ['a kind without a document', ['kong'], 2, /<file> is missing/],
    ['a report that there is not', ['kong.yaml', '--report', 'xml'], 2, /"xml" is not a form of report/],
    ['a variable without a value', ['kong.yaml', '--set', 'A'], 2, /"A" sets nothing: write NAME=value/],
  ];
  for (const [title, argv, code, err] of WRONG) {
    it(`refuses ${title}`, async () => {
      const result = await run(...argv);
      assert.equal(result.code, code);
      assert.match(result.err, err);
    });
  }
});

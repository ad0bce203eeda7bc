import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type Ran, runIn } from './run.support.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-diff-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const config = (policies: string) => `services:
  orders: { url: 'http://127.0.0.1:3000' }
routes:
  orders:
    match: { paths: ['/orders/*'] }
    policies: ${policies}
    service: orders
`;
writeFileSync(join(directory, 'basic.yaml'), config('[basic: {}]'));
writeFileSync(join(directory, 'basic-and-key.yaml'), config('[auth: { all: [basic: {}, api-key: {}] }]'));
writeFileSync(join(directory, 'key.yaml'), config('[api-key: {}]'));
writeFileSync(join(directory, 'open.yaml'), config('[]'));
writeFileSync(join(directory, 'broken.yaml'), config('[basik: {}]'));

const run = (...argv: readonly string[]): Promise<Ran> => runIn(directory, ['diff', ...argv]);

describe('portcullis diff', () => {
  const table: readonly (readonly [title: string, argv: readonly string[], code: number])[] = [
    ['ends with 0 where nothing changes', ['basic.yaml', 'basic.yaml', '--exit-code', '--strict'], 0],
    ['ends with 0 where an authentication gets stronger', ['open.yaml', 'basic.yaml'], 0],
    ['ends with 3 for that if asked to', ['open.yaml', 'basic.yaml', '--exit-code'], 3],
    ['ends with 4 where an authentication gets weaker', ['basic.yaml', 'open.yaml'], 4],
    [
      'ends with 4 where one of two that were needed goes',
      ['basic-and-key.yaml', 'key.yaml', '--exit-code'],
      4,
    ],
    ['ends with 0 where two cannot be compared', ['basic.yaml', 'key.yaml'], 0],
    ['ends with 4 for that if it is to be strict', ['basic.yaml', 'key.yaml', '--strict'], 4],
    ['ends with 2 where a file is not given', ['basic.yaml'], 2],
  ];
  for (const [title, argv, code] of table) {
    it(title, async () => assert.equal((await run(...argv)).code, code));
  }

  it('says that there were more requests than were tried, and fails for it if it is to be strict', async () => {
    const found = { changes: [], weaker: false, incomparable: false, tried: 20_000, cut: true };
    const gateway = createServer((_request, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(found)),
    );
    await once(gateway.listen(0, '127.0.0.1'), 'listening');
    const admin = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
    const told = 'portcullis diff: only 20000 requests were tried: of the others nothing is known';
    const lax = await run('--from', '1', '--admin', admin);
    const strict = await run('--from', '1', '--admin', admin, '--strict');
    gateway.close();
    assert.deepEqual([lax.code, lax.err], [0, `${told} (--strict counts that as weaker)\n`]);
    assert.deepEqual([strict.code, strict.err], [4, `${told}\n`]);
  });

  it('tells the errors of both configurations, and compares nothing', async () => {
    const { code, out, err } = await run('broken.yaml', 'missing.yaml');
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.match(err, /^portcullis diff: broken\.yaml has errors\nbroken\.yaml:6:16: .*"basik"/m);
    assert.match(err, /^portcullis diff: missing\.yaml has errors\nmissing\.yaml:1:1: the configuration /m);
  });

  it('prints JSON', async () => {
    const { out } = await run('basic.yaml', 'open.yaml', '--json');
    const { weaker, changes } = JSON.parse(out) as {
      weaker: boolean;
      changes: { kind: string; example: object }[];
    };
    assert.equal(weaker, true);
    assert.deepEqual(
      changes.map(({ kind, example }) => [kind, example]),
      [['newly-public', { method: 'GET', url: 'https://example.com/orders/any', headers: [] }]],
    );
  });
});

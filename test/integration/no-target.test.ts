import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Manner, mannered, playServices, refusal, told } from '../support/service-play.ts';

const WELL: Manner = { status: 200, takesMs: 0 };
const directory = mkdtempSync(join(tmpdir(), 'portcullis-no-target-'));
after(() => rmSync(directory, { recursive: true, force: true }));

suite('a service without a target: 503 no_target', () => {
  test('says in the log that none is known', async () => {
    const main = { discovery: { registry: {} } };
    await playServices({ services: { main } }, async ({ ask, gateway }) => {
      assert.deepEqual(refusal(await ask()), [503, 'no_target']);
      await gateway.close();
      const { status, code, error, service, target } = gateway.requests[0] ?? {};
      assert.deepEqual(
        [status, code, error, service, target],
        [503, 'no_target', 'main: no target is known', 'main', undefined],
      );
    });
  });

  test('says in the log that its targets are down, as checks find', async () => {
    const main = {
      scripts: [mannered('a', { status: 500, takesMs: 0 }), mannered('b', { status: 500, takesMs: 0 })],
      balance: { panicThreshold: 0 },
      health: { active: { interval: '100ms', unhealthyAfter: 1 } },
    };
    await playServices({ services: { main } }, async ({ askUntil, gateway }) => {
      assert.deepEqual(refusal(await askUntil(({ status }) => status === 503)), [503, 'no_target']);
      await gateway.close();
      assert.equal(gateway.requests.at(-1)?.['error'], 'main: of 2 targets 2 down');
    });
  });

  test('is served as soon as its list has one', async () => {
    await using upstream = await ScriptedUpstream.start(mannered('a', WELL));
    const path = join(directory, 'targets.yaml');
    const main = { discovery: { file: { path } } };
    await playServices({ services: { main } }, async ({ ask, askUntil }) => {
      assert.deepEqual(refusal(await ask()), [503, 'no_target']);
      writeFileSync(path, `- url: ${upstream.url}\n`);
      assert.deepEqual(told(await askUntil(({ status }) => status === 200)), [200, 'a']);
    });
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Answer } from '../support/answers.ts';
import { type Manner, mannered, playServices, type ServicePlay } from '../support/service-play.ts';

const WELL: Manner = { status: 200, takesMs: 0 };
const sticky = { cookie: 'at', secret: 'a secret of some length' };

const stage = (settings: object = {}) => ({
  services: { main: { scripts: ['a', 'b', 'c'].map((name) => mannered(name, WELL)), sticky, ...settings } },
});

/** The cookie that an answer sets, as the client sends it back; undefined when it sets none. */
function cookieOf(answer: Answer): string | undefined {
  return answer.get('set-cookie')?.split(';', 1)[0];
}

/** A client that has its cookie, and the target that it was sent to. */
async function begin({ ask }: ServicePlay): Promise<{ cookie: string; target: string }> {
  const first = await ask();
  const cookie = cookieOf(first);
  assert.ok(cookie !== undefined);
  return { cookie, target: first.body.toString() };
}

suite('a sticky session', () => {
  test('is begun by one cookie, which no later answer sets again, and stays at its target', async () => {
    await playServices(stage(), async (play) => {
      const first = await play.ask();
      assert.match(first.get('set-cookie') ?? '', /^at=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
      for (let i = 0; i < 12; i++) {
        const next = await play.ask(`Cookie: other=1; ${cookieOf(first)}`);
        assert.deepEqual([next.body.toString(), cookieOf(next)], [first.body.toString(), undefined]);
      }
    });
  });

  test('is another one for each client, at all targets in turn', async () => {
    await playServices(stage(), async (play) => {
      const sessions = [await begin(play), await begin(play), await begin(play)];
      assert.deepEqual(sessions.map(({ target }) => target).sort(), ['a', 'b', 'c']);
      for (const { cookie, target } of sessions)
        assert.equal((await play.ask(`Cookie: ${cookie}`)).body.toString(), target);
    });
  });

  test('moves when its target goes, once, and stays where it then is', async () => {
    await playServices(stage(), async (play) => {
      const { cookie, target } = await begin(play);
      const [main, upstreams] = [play.config.services?.['main'], play.upstreams()];
      const left = ['a', 'b', 'c'].flatMap((name, i) =>
        name === target ? [] : [{ url: upstreams[i]?.url ?? '' }],
      );
      await play.gateway.reload({ ...play.config, services: { main: { ...main, targets: left } } });
      const moved = await play.ask(`Cookie: ${cookie}`);
      const now = cookieOf(moved);
      assert.notEqual(moved.body.toString(), target);
      assert.ok(now !== undefined && now !== cookie);
      for (let i = 0; i < 4; i++) {
        const next = await play.ask(`Cookie: ${now}`);
        assert.deepEqual([next.body.toString(), cookieOf(next)], [moved.body.toString(), undefined]);
      }
    });
  });

  test('moves when its target cannot be reached, with the attempt that was answered', async () => {
    const retry = { on: ['connect' as const], backOff: { base: '0s', max: '0s' } };
    await playServices(stage({ retry, connections: { idle: 0 } }), async (play) => {
      const { cookie, target } = await begin(play);
      await play.upstreams()[['a', 'b', 'c'].indexOf(target)]?.close();
      const moved = await play.ask(`Cookie: ${cookie}`);
      assert.equal(moved.status, 200);
      assert.notEqual(moved.body.toString(), target);
      assert.ok(cookieOf(moved) !== undefined);
    });
  });

  const forgeries: [what: string, forge: (cookie: string) => string][] = [
    ['with another last letter', (cookie) => cookie.slice(0, -2) + (cookie.at(-2) === 'A' ? 'BB' : 'AA')],
    ['that is cut off', (cookie) => cookie.slice(0, -1)],
    ['that is empty', () => 'at='],
    ['that names a target', () => 'at=127.0.0.1:80'],
  ];
  for (const [what, forge] of forgeries) {
    test(`is not begun by a cookie ${what}: the client gets another one`, async () => {
      await playServices(stage(), async (play) => {
        const { cookie } = await begin(play);
        const targets = new Set<string>();
        for (let i = 0; i < 3; i++) {
          const next = await play.ask(`Cookie: ${forge(cookie)}`);
          assert.ok(cookieOf(next) !== undefined);
          targets.add(next.body.toString());
        }
        assert.equal(targets.size, 3, 'it is sent where its turn is');
      });
    });
  }

  test('is of the service and its secret: the cookie of another one is worth nothing', async () => {
    let cookie = '';
    await playServices(stage(), async (play) => {
      ({ cookie } = await begin(play));
    });
    await playServices(
      stage({ sticky: { ...sticky, secret: 'another secret of some length' } }),
      async (play) => {
        assert.ok(cookieOf(await play.ask(`Cookie: ${cookie}`)) !== undefined);
      },
    );
  });
});

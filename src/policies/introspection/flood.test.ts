import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { Changes } from '../../../test/support/changes.ts';
import { ALICE, answerJson, type Stage, withServer } from './introspection.support.ts';

const ATTACKER = '198.51.100.66';
const HONEST = '192.0.2.7';
const NOT_ACTIVE = '401 invalid_token: The token is not valid.';
const AWAY =
  '503 provider_unavailable: The identity provider that knows who may call cannot be asked at the moment.';
const TOO_MANY = '503 overloaded: Too many tokens are being asked about at the moment.';

/** Questions that the server has been asked and does not answer yet. */
class HeldQuestions {
  readonly responses: ServerResponse[] = [];
  readonly #changes = new Changes();

  readonly hold = (response: ServerResponse) => {
    this.responses.push(response);
    this.#changes.tell();
  };

  untilAsked(count: number): Promise<void> {
    return this.#changes.until(
      () => this.responses.length === count,
      `${count} questions`,
      () => `${this.responses.length} questions`,
    );
  }
}

/** Made-up tokens of one client, which the server takes its time about. */
function flood({ play, tokens }: Stage, held: HeldQuestions, count: number, address = ATTACKER) {
  return Array.from({ length: count }, (_, i) => {
    tokens.set(`made-up-${i}`, held.hold);
    return play.begin(`made-up-${i}`, address).verdict;
  });
}

describe('A flood of made-up tokens', () => {
  it('of one client keeps no other one waiting, and is no outage', () =>
    withServer({}, async (stage) => {
      const { play, tokens, asked } = stage;
      const held = new HeldQuestions();
      tokens.set('known', ALICE);
      tokens.set('new', ALICE);
      assert.equal(await play.begin('known', HONEST).verdict, '200 alice');
      const verdicts = flood(stage, held, 500);
      await held.untilAsked(16);
      assert.equal(await play.begin('new', HONEST).verdict, '200 alice');
      assert.equal(await play.begin('known', HONEST).verdict, '200 alice');
      assert.equal(asked.length, 18);
      for (let i = 0; i < 216; i++) {
        await held.untilAsked(Math.min(i + 16, 216));
        answerJson(held.responses[i] as ServerResponse, { active: false });
      }
      const counts = Map.groupBy(await Promise.all(verdicts), (verdict) => verdict);
      // Beyond those that wait nobody is kept: who sends so many is told so, and nobody else is.
      assert.deepEqual(
        [...counts].map(([verdict, { length }]) => [verdict, length]),
        [
          [NOT_ACTIVE, 216],
          [TOO_MANY, 284],
        ],
      );
      assert.deepEqual(play.log, []);
    }));

  it('out of one IPv6 network is that of one client', () =>
    withServer({ questions: { perClient: 1 } }, async (stage) => {
      const { play, tokens } = stage;
      const held = new HeldQuestions();
      tokens.set('new', ALICE);
      const first = flood(stage, held, 1, '2001:db8::1');
      await held.untilAsked(1);
      tokens.set('second', held.hold);
      const second = play.begin('second', '2001:db8::ffff:1').verdict;
      assert.equal(await play.begin('new', '2001:db8:0:1::1').verdict, '200 alice');
      assert.equal(held.responses.length, 1);
      answerJson(held.responses[0] as ServerResponse, ALICE);
      await held.untilAsked(2);
      answerJson(held.responses[1] as ServerResponse, ALICE);
      assert.deepEqual([await first[0], await second], ['200 alice', '200 alice']);
    }));

  it('pushes no token that is good out of what is remembered', () =>
    withServer({ cache: { tokens: 2 } }, async ({ play, tokens, asked }) => {
      tokens.set('known', ALICE);
      assert.equal(await play.verdict('known'), '200 alice');
      for (let i = 0; i < 50; i++) assert.equal(await play.verdict(`made-up-${i}`), NOT_ACTIVE);
      assert.equal(await play.verdict('known'), '200 alice');
      assert.equal(await play.verdict('made-up-0'), NOT_ACTIVE);
      assert.equal(asked.length, 51);
    }));

  it('waits as long as an answer is waited for, and no longer', () =>
    withServer({ questions: { perClient: 1 }, timeout: '2s' }, async (stage) => {
      const held = new HeldQuestions();
      const [first, second] = flood(stage, held, 2);
      await held.untilAsked(1);
      stage.play.timers.advance(1999);
      assert.deepEqual(stage.play.timers.waiting, [1, 1]);
      answerJson(held.responses[0] as ServerResponse, { active: false });
      assert.equal(await first, NOT_ACTIVE);
      await held.untilAsked(2);
      const third = flood(stage, held, 3)[2];
      stage.play.timers.advance(2000);
      // The question that was asked is an outage, the one that was not is none.
      assert.deepEqual([await second, await third], [AWAY, TOO_MANY]);
    }));
});

describe('A server that is asked too often', () => {
  for (const [retryAfter, waitMs] of [
    ['3', 3000],
    [undefined, 1000],
    ['600', 10_000],
    ['Thu, 01 Jan 2026 00:00:10 GMT', 1000],
    ['-1', 1000],
  ] as const) {
    it(`and says ${retryAfter ?? 'nothing'} is left alone for ${waitMs} ms: others wait, and then are known`, () =>
      withServer({ timeout: '1m' }, async ({ play, tokens, asked }) => {
        tokens.set('t1', (response) => {
          if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
          response.writeHead(429).end();
        });
        tokens.set('t2', ALICE);
        const { answer } = await play.send({ authorization: 'Bearer t1' });
        assert.deepEqual(
          [answer?.status, answer?.code, answer?.headers],
          [503, 'overloaded', { 'Retry-After': String(waitMs / 1000) }],
        );
        const second = play.begin('t2', HONEST).verdict;
        assert.equal(asked.length, 1);
        play.timers.advance(waitMs);
        assert.equal(await second, '200 alice');
        assert.deepEqual(play.log, []);
      }));
  }
});

describe('A server that answers others meanwhile', () => {
  it('is not away because of one token', () =>
    withServer({}, async ({ play, tokens }) => {
      const held = new HeldQuestions();
      tokens.set('bad', held.hold);
      tokens.set('t1', ALICE);
      tokens.set('t2', ALICE);
      const bad = play.begin('bad', ATTACKER).verdict;
      await held.untilAsked(1);
      assert.equal(await play.verdict('t1'), '200 alice');
      held.responses[0]?.destroy();
      assert.equal(await bad, AWAY);
      assert.equal(await play.verdict('t2'), '200 alice');
      assert.deepEqual(play.log, []);
    }));
});

describe('A client that leaves', () => {
  it('has its question taken back', () =>
    withServer({}, async ({ play, tokens }) => {
      const held = new HeldQuestions();
      tokens.set('t1', held.hold);
      const begun = play.begin('t1');
      await held.untilAsked(1);
      begun.leave();
      await once(held.responses[0] as ServerResponse, 'close');
      // The server is not to blame.
      assert.deepEqual(play.log, []);
    }));

  it('leaves it to whoever else waits for it, and to nobody when the last has left', () =>
    withServer({}, async ({ play, tokens }) => {
      const held = new HeldQuestions();
      tokens.set('t1', held.hold);
      const [one, other] = [play.begin('t1'), play.begin('t1')];
      await held.untilAsked(1);
      one.leave();
      answerJson(held.responses[0] as ServerResponse, ALICE);
      assert.equal(await other.verdict, '200 alice');
      // Whoever has been answered takes nothing back.
      other.leave();
      assert.equal(await play.verdict('t1'), '200 alice');
      assert.equal(held.responses.length, 1);
    }));

  it('that comes again has it asked anew', () =>
    withServer({}, async ({ play, tokens }) => {
      const held = new HeldQuestions();
      tokens.set('t1', held.hold);
      const first = play.begin('t1');
      await held.untilAsked(1);
      first.leave();
      const second = play.begin('t1');
      await held.untilAsked(2);
      answerJson(held.responses[1] as ServerResponse, ALICE);
      assert.equal(await second.verdict, '200 alice');
    }));

  it('before its turn gives it to the next', () =>
    withServer({ questions: { perClient: 1 } }, async ({ play, tokens }) => {
      const held = new HeldQuestions();
      for (const token of ['t1', 't2', 't3']) tokens.set(token, held.hold);
      const [first, second, third] = ['t1', 't2', 't3'].map((token) => play.begin(token));
      await held.untilAsked(1);
      second?.leave();
      answerJson(held.responses[0] as ServerResponse, ALICE);
      await held.untilAsked(2);
      answerJson(held.responses[1] as ServerResponse, ALICE);
      assert.deepEqual([await first?.verdict, await third?.verdict], ['200 alice', '200 alice']);
      assert.equal(held.responses.length, 2);
    }));
});

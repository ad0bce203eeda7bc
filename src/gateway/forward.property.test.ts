import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FieldNames } from '../http/field-names.ts';
import { Fields } from '../http/fields.ts';
import { ResponseHead } from '../http/response-head.ts';
import { Deadlines } from '../lib/deadlines.ts';
import { noPolicies } from '../policies/compile.ts';
import { type Permit, REJECTED } from '../upstream/breaker/breaker.ts';
import type { UpstreamConnection, UpstreamListener } from '../upstream/connection.ts';
import { TargetDirectory } from '../upstream/directory.ts';
import type { UpstreamFailureKind } from '../upstream/failure.ts';
import { serviceSchema } from '../upstream/schema.ts';
import { Service } from '../upstream/service.ts';
import type { Target } from '../upstream/target.ts';
import { fail } from './answer.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { Exchange, GatewayRequest } from './exchange.ts';
import { abandon, finish } from './finish.ts';
import { Forward } from './forward.ts';
import type { ListenerRuntime, Snapshot } from './snapshot.ts';

const BODY = 'abcdefghij';
const RENEWAL = {
  name: 'renewal',
  hooks: { retryWith: (_: unknown, status: number) => status === 401 },
};
/** What is needed for another attempt with a body comes more often. */
const STEPS = [
  'connect',
  'connect',
  'piece',
  'piece',
  'wait',
  'wait',
  'head',
  'end',
  'fail',
  'leave',
] as const;
const FAILURES: readonly UpstreamFailureKind[] = ['reset', 'stale', 'first_byte_timeout', 'invalid'];

interface Step {
  readonly what: (typeof STEPS)[number];
  /** Which of the attempts under way, status, failure or octets. */
  readonly which: number;
}

const step: fc.Arbitrary<Step> = fc.record({ what: fc.constantFrom(...STEPS), which: fc.nat(11) });

/** One try as its target sees it. */
class Try {
  state: 'waiting' | 'sent' | 'answering' | 'over' = 'waiting';
  body = '';
  whole = false;
  readonly congested = false;
  readonly listener: UpstreamListener;

  constructor(listener: UpstreamListener) {
    this.listener = listener;
  }
  send(): void {
    this.state = 'sent';
  }
  write(data: Buffer, from: number, to: number): void {
    this.body += data.toString('latin1', from, to);
  }
  endRequest(): void {
    this.whole = true;
  }
  cancel(): void {
    this.state = 'over';
  }
  flush(): void {}
  pause(): void {}
  resume(): void {}
}

/** An exchange with three targets that do what the steps say, on a clock that they move. */
class World {
  readonly tries: Try[] = [];
  readonly exchange: Exchange;
  readonly service: Service;
  begun = 0;
  readonly reported = new Set<number>();
  ended = 0;
  charged = 0;
  answers = 0;
  refused = 0;
  readonly #permits: Permit[] = [];
  #clockMs = 0;
  #given = 0;
  #wanted = false;
  readonly #pauses = new Deadlines(() => this.#clockMs, 1);

  constructor(method: string, hasBody: boolean, settings: unknown, renews: boolean) {
    const budget = {
      tryTake: () => ++this.charged < 3 || --this.charged < 0,
      giveBack: () => void this.charged--,
    };
    const targets = ['a', 'b', 'c'].map((name) => ({ url: `http://${name}`, weight: 1 }));
    const service = new Service(
      'main',
      { ...serviceSchema.parse(settings), targets },
      {
        deadlines: new Deadlines(() => 0),
        names: new FieldNames(),
        retries: { pauses: this.#pauses, random: () => 0.5, budget },
        workerId: 0,
        directory: new TargetDirectory(),
        observer: () => ({ connectionOpened() {}, connectionClosed() {}, breakerChanged() {}, ejected() {} }),
      },
    );
    this.service = service;
    for (const target of service.askable) this.#watch(target);
    const downstream = {
      congested: false,
      sendInformational() {},
      sendHead: () => {
        this.answers++;
        this.exchange.answered = true;
      },
      sendBody() {},
      sendText() {},
      sendEnd: () => finish(this.exchange),
      flush() {},
      abort() {},
      readBody: () => {
        this.#wanted = true;
      },
      rewindBody: () => false,
      pauseBody: () => {
        this.#wanted = false;
      },
      switchProtocol() {},
      endTunnel() {},
    };
    const forwarding = { apply() {}, appendVia() {} };
    const listener = { name: 'main', scheme: 'http', port: 1, forwarding, requestIdField: '' };
    const recorder = { record() {}, requestEnded() {}, upstreamFailed() {} };
    const policies = renews ? { ...noPolicies, retryWith: [RENEWAL] } : noPolicies;
    const route = { name: 'main', policies, upstreamHost: undefined, timeoutMs: 0 };
    const snapshot = { unrouted: route as unknown as CompiledRoute, recorder, leave() {} };
    const request = new GatewayRequest(
      {
        method,
        authority: 'a.example',
        host: 'a.example',
        path: '/',
        search: '',
        version: 11,
        fields: new Fields(),
        bodyLength: hasBody ? BODY.length : 0,
        upgrade: '',
        expectContinue: false,
        trailers: false,
      },
      'http',
    );
    this.exchange = new Exchange(
      snapshot as unknown as Snapshot,
      listener as unknown as ListenerRuntime,
      downstream,
      { address: 'client', peerAddress: 'client' },
      request,
    );
    new Forward(this.exchange, service).start();
  }

  #watch(target: Target): void {
    const { begin, report, end } = target;
    // Permits of its own, which tell attempts apart, in place of the breakers'.
    target.begin = () => {
      const permit = begin.call(target);
      if (permit === REJECTED) return permit;
      this.#permits.push(permit);
      return this.begun++;
    };
    target.report = (own, outcome, latencyMs) => {
      assert.ok(!this.reported.has(own), 'one outcome');
      this.reported.add(own);
      report.call(target, this.#permits[own] as Permit, outcome, latencyMs);
    };
    target.end = (broken) => {
      this.ended++;
      end.call(target, broken);
    };
    target.pool.acquire = (listener) => void this.tries.push(new Try(listener));
    target.pool.forget = (listener) => {
      for (const one of this.tries) if (one.listener === listener) one.state = 'over';
    };
  }

  get underway(): Try[] {
    return this.tries.filter(({ state }) => state !== 'over');
  }

  take({ what, which }: Step): void {
    const { underway } = this;
    const one = underway[which % Math.max(1, underway.length)];
    switch (what) {
      case 'wait':
        this.#clockMs += 10 * which;
        return this.#pauses.sweep();
      case 'leave':
        if (which === 0) abandon(this.exchange, 'it left');
        if (which === 1) fail(this.exchange, 'request_expired');
        return undefined;
      case 'piece':
        return this.#givePiece(which);
      default:
        if (one !== undefined) this.#act(one, what, which);
    }
  }

  #givePiece(length: number): void {
    if (!this.#wanted || this.exchange.ended || this.#given === BODY.length) return;
    const to = Math.min(BODY.length, this.#given + length);
    this.exchange.bodySink?.requestBody(Buffer.from(BODY), this.#given, to);
    this.#given = to;
    if (to === BODY.length) this.exchange.bodySink?.requestBodyEnd(undefined);
  }

  #act(one: Try, what: Step['what'], which: number): void {
    const { listener, state } = one;
    if (what === 'connect' && state === 'waiting') {
      listener.onConnection(one as unknown as UpstreamConnection);
    } else if (what === 'head' && state === 'sent') {
      one.state = 'answering';
      const head = new ResponseHead();
      head.status = [200, 503, 500, 401][which % 4] as number;
      if (head.status === 401) this.refused++;
      listener.onHead(head);
    } else if (what === 'end' && state === 'answering') {
      one.state = 'over';
      listener.onBodyEnd(undefined);
    } else if (what === 'fail') {
      one.state = 'over';
      const kind = state === 'waiting' ? 'refused' : FAILURES[which % (state === 'sent' ? 4 : 1)];
      listener.onFailure({ kind: kind as UpstreamFailureKind, cause: 'told so' });
    }
  }
}

const SETTINGS = [
  {},
  { retry: { attempts: 3, on: ['connect', 'reset', 'timeout', 503] } },
  { retry: { attempts: 3, on: ['reset', '5xx'], bodyLimit: '4b' } },
  { retry: { attempts: 4, on: ['5xx'], methods: 'all' }, hedge: { after: '20ms' } },
  { hedge: { after: '20ms' } },
  { retry: { attempts: 3, on: ['reset', '5xx'] }, breaker: { scope: 'both', consecutive: 1 } },
  {
    retry: { attempts: 4, on: ['5xx'], methods: 'all' },
    hedge: { after: '20ms' },
    breaker: { scope: 'target', consecutive: 1 },
    fallback: { respond: {} },
  },
];

test('whatever happens in whatever order, an exchange sends what it may and leaves nothing behind', () => {
  const seen = { retried: 0, hedged: 0, replayed: 0, renewed: 0 };
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'PUT', 'POST'),
      fc.boolean(),
      fc.constantFrom(...SETTINGS),
      fc.boolean(),
      fc.array(step, { maxLength: 40, size: 'max' }),
      (method, hasBody, settings, renews, steps) => {
        const world = new World(method, hasBody, settings, renews);
        const { exchange, tries } = world;
        for (const one of steps) {
          const before = { tries: tries.length, ended: exchange.ended, answers: world.answers };
          world.take(one);
          assert.ok(world.answers <= 1, 'one final head');
          if (before.ended || before.answers > 0)
            assert.equal(tries.length, before.tries, 'no attempt after the answer, or for nobody');
          assert.ok(world.underway.filter(({ state }) => state !== 'answering').length <= 2);
          for (const { body, whole } of tries) {
            assert.ok(BODY.startsWith(body), `the body as it is: ${body}`);
            if (whole && hasBody) assert.equal(body, BODY);
          }
          if (world.underway.length > 1) seen.hedged++;
        }
        const sent = tries.filter(({ whole, body }) => whole || body !== '').length;
        const mayRepeat = method !== 'POST' || (settings.retry as { methods?: string } | undefined)?.methods;
        const resent = renews && world.refused > 0 && !(hasBody && tries.length === 1) ? 1 : 0;
        if (!mayRepeat) assert.ok(sent <= 1 + resent, 'not twice what may do something twice');
        if (resent > 0 && tries.length > 1) seen.renewed++;
        if (tries.length > 1) seen.retried++;
        if (hasBody && sent > 1) seen.replayed++;
        assert.ok(tries.length <= Math.max((settings.retry?.attempts ?? 1) + 1, 3) + resent);
        abandon(exchange, 'the end');
        for (const left of world.underway) {
          left.state = 'over';
          left.listener.onBodyEnd(undefined);
        }
        assert.equal(world.ended, world.begun, 'every attempt that began is over');
        assert.equal(world.reported.size, world.begun, 'and has an outcome');
        assert.equal(world.charged, 0, 'the budget has everything back');
        assert.equal(world.service.cell.inFlight.total(), 0, 'the service has no request left');
        for (const target of world.service.askable) assert.equal(target.inFlight(), 0, target.name);
      },
    ),
    { numRuns: 3000 },
  );
  for (const [what, times] of Object.entries(seen)) assert.ok(times > 20, `${what} ${times} times`);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor, type RequestDescription } from '../../../test/support/exchange.ts';
import { principal } from '../../../test/support/principal.ts';
import type { Answer } from '../../policy/contract.ts';
import { VISITOR } from '../../policy/principal.ts';
import type { Limiter } from '../../state/limiter.ts';
import { admitted, answered, begin, PolicyPlay, send } from './rate-limit.support.ts';

describe('A request', () => {
  it('below the limit goes on, and its answer says what is left', () => {
    const policy = new PolicyPlay().policy({ limits: ['10/min', { rate: '1000/h', burst: 50 }] });
    assert.deepEqual(send(policy), {
      answer: undefined,
      lines: [
        'RateLimit-Policy: "10/min";q=10;w=60, "1000/h";q=1000;w=3600',
        'RateLimit: "10/min";r=9;t=6, "1000/h";r=49;t=4',
      ],
      exchange: send(policy).exchange,
    });
  });

  it('above it is refused with what it violates, and when to come back', () => {
    const play = new PolicyPlay();
    const policy = play.policy({ limits: [{ rate: '1/min', name: 'per client' }, '2/min'] });
    send(policy);
    play.limits.nowMs += 20_500;
    const { answer, lines } = send(policy);
    assert.deepEqual(answer, {
      status: 429,
      code: 'rate_limited',
      detail: 'There were more requests than are allowed here.',
      problem: { 'violated-policies': ['per client'] },
    });
    assert.deepEqual(lines, [
      'RateLimit-Policy: "per client";q=1;w=60, "2/min";q=2;w=60',
      'RateLimit: "per client";r=0;t=40, "2/min";r=1;t=10',
      'Retry-After: 40',
    ]);
    assert.deepEqual(play.events, ['limited']);
  });

  it('is refused by the same answer each time: none is made for it', () => {
    const policy = new PolicyPlay().policy({ limits: ['1/h'] });
    send(policy);
    assert.equal(send(policy).answer, send(policy).answer);
  });
});

describe('A request', () => {
  const HOOKS = ['onEnd', 'onResponse'] as const;
  const CASES: readonly (readonly [title: string, options: object, hooks: readonly string[]])[] = [
    ['is not kept where it is decided about for good', { limits: ['5/min'] }, []],
    ['nor in the shadow', { limits: ['5/min'], shadow: true, headers: ['legacy'] }, []],
    ['is kept while it is under way', { limits: [{ concurrency: 5 }] }, ['onEnd']],
    ['and while it waits', { limits: ['5/min'], delay: { max: '1s' } }, ['onEnd']],
    ['and until it is known what it cost', { limits: ['5/min'], cost: { header: 'x-cost' } }, HOOKS],
    ['and until fields of the service can be replaced', { limits: ['5/min'], headers: ['legacy'] }, HOOKS],
  ];
  for (const [title, options, hooks] of CASES) {
    it(title, () => {
      const policy = new PolicyPlay().policy(options);
      assert.deepEqual(
        HOOKS.filter((name) => policy[name] !== undefined),
        hooks,
      );
    });
  }

  it('of another client meanwhile does not change what an answer tells', () => {
    const policy = new PolicyPlay().policy({ limits: ['5/min'] });
    const [first, second] = ['192.0.2.1', '192.0.2.2'].map((clientAddress) => exchangeFor({ clientAddress }));
    assert.ok(first !== undefined && second !== undefined);
    send(policy);
    for (const exchange of [first, second]) assert.equal(policy.onRequest(exchange), undefined);
    for (const exchange of [first, second]) answered(policy, exchange);
    assert.deepEqual(
      [first.responseLines[1], second.responseLines[1]],
      ['RateLimit: "5/min";r=3;t=24', 'RateLimit: "5/min";r=4;t=12'],
    );
  });
});

describe('The fields of an answer', () => {
  const CASES: readonly (readonly [title: string, options: object, lines: readonly string[]])[] = [
    ['are left out where none are wanted', { headers: [] }, []],
    [
      'may be the old ones, of the limit of which least is left',
      { headers: ['legacy'] },
      ['X-RateLimit-Limit: 5', 'X-RateLimit-Remaining: 4', 'X-RateLimit-Reset: 12'],
    ],
    [
      'may be both',
      { headers: ['standard', 'legacy'] },
      [
        'RateLimit-Policy: "5/min";q=5;w=60, "under way";q=7;qu="concurrent-requests"',
        'RateLimit: "5/min";r=4;t=12, "under way";r=6',
        'X-RateLimit-Limit: 5',
        'X-RateLimit-Remaining: 4',
        'X-RateLimit-Reset: 12',
      ],
    ],
    ['tell nothing of a limit in the shadow', { shadow: true }, []],
  ];
  for (const [title, options, lines] of CASES) {
    it(title, () => {
      const limits = ['5/min', { concurrency: 7, name: 'under way' }];
      assert.deepEqual(send(new PolicyPlay().policy({ limits, ...options })).lines, lines);
    });
  }

  it('leave out a limit whose key the request does not have', () => {
    const limits = ['5/min', { rate: '9/min', key: 'consumer' }];
    const policy = new PolicyPlay().policy({ limits, unknown: 'skip' });
    assert.equal(send(policy).lines[1], 'RateLimit: "5/min";r=4;t=12');
  });

  it('are absent where nobody was counted', () => {
    const policy = new PolicyPlay().policy({ limits: ['5/min'], key: 'consumer', unknown: 'skip' });
    assert.deepEqual(send(policy).lines, []);
  });
});

describe('The key', () => {
  it('is no name that a visitor was given, who may have a new one with each request', () => {
    const policy = new PolicyPlay().policy({ limits: ['1/min'], key: 'consumer' });
    const statuses = ['a', 'b'].map((name) => {
      const exchange = exchangeFor({});
      exchange.principal = principal({ method: VISITOR, consumer: `anonymous:${name}` });
      return (policy.onRequest(exchange) as Answer | undefined)?.status;
    });
    assert.deepEqual(statuses, [undefined, 429]);
  });

  const from = (clientAddress: string): RequestDescription => ({ clientAddress });
  const header = (value: string): RequestDescription => ({ headers: { 'X-Api-Key': value } });
  type Counted = readonly [request: RequestDescription, notes?: object];

  /** Requests that are one to the limit, and one that is another. */
  const CASES: readonly (readonly [title: string, key: unknown, one: readonly Counted[], other: Counted])[] =
    [
      ['address is the whole IPv4 address', 'address', [[from('192.0.2.1')]], [from('192.0.2.2')]],
      ['address may be unknown, and is one then', 'address', [[from('')]], [from('192.0.2.1')]],
      [
        'address is 64 bits of an IPv6 address',
        'address',
        [[from('2001:db8::1')], [from('2001:db8:0:0:ffff::1')]],
        [from('2001:db8:0:1::1')],
      ],
      [
        'address may be fewer bits',
        { address: { ipv4: 24, ipv6: 48 } },
        [[from('192.0.2.1')], [from('192.0.2.200')]],
        [from('192.0.3.1')],
      ],
      [
        'address may be fewer bits of IPv6 too',
        { address: { ipv4: 24, ipv6: 48 } },
        [[from('2001:db8::1')], [from('2001:db8:0:ffff::1')]],
        [from('2001:db8:1::1')],
      ],
      ['header is the value of the field', { header: 'X-API-Key' }, [[header('a')]], [header('b')]],
      [
        'cookie is its value',
        { cookie: 'id' },
        [[{ headers: { cookie: 'a=1; id=x' } }], [{ headers: { cookie: 'id=x' } }]],
        [{ headers: { cookie: 'id=y' } }],
      ],
      ['route is its name', 'route', [[{ routeName: 'a' }]], [{ routeName: 'b' }]],
      ['consumer is who calls', 'consumer', [[{}, { consumer: 'ann' }]], [{}, { consumer: 'bob' }]],
      ['session is its id', 'session', [[{}, { session: 's1' }]], [{}, { session: 's2' }]],
      ['plan is its name', 'plan', [[{}, { plan: 'free' }]], [{}, { plan: 'paid' }]],
      [
        'claim is one of the token',
        { claim: 'tenant' },
        [
          [{}, { claims: { tenant: 7 } }],
          [from('192.0.2.9'), { claims: { tenant: 7, sub: 'x' } }],
        ],
        [{}, { claims: { tenant: 8 } }],
      ],
      [
        'several count together',
        ['consumer', { header: 'x-api-key' }],
        [[header('a'), { consumer: 'b' }]],
        [header('b'), { consumer: 'a' }],
      ],
      [
        'an unknown one is the address',
        'consumer',
        [
          [from('192.0.2.1')],
          [from('192.0.2.1'), { consumer: '' }],
          [from('192.0.2.1'), { consumer: undefined }],
        ],
        [{}, { consumer: '192.0.2.1' }],
      ],
      [
        'a list with an unknown one is the address',
        ['consumer', { header: 'x-api-key' }],
        [[from('192.0.2.1')], [{ ...from('192.0.2.1'), ...header('a') }]],
        [from('192.0.2.2')],
      ],
      [
        'a claim that every object has is none',
        { claim: 'constructor' },
        [[from('192.0.2.1'), { claims: {} }]],
        [from('192.0.2.2'), { claims: {} }],
      ],
    ];
  for (const [title, key, one, other] of CASES) {
    it(title, () => {
      const policy = new PolicyPlay().policy({ limits: [`${one.length}/h`], key });
      for (const [request, notes] of one) assert.equal(admitted(policy, 1, request, notes), 1);
      for (const [request, notes] of one) assert.equal(admitted(policy, 1, request, notes), 0);
      assert.equal(admitted(policy, 1, ...other), 1);
    });
  }

  it('may be skipped when it is unknown', () => {
    const policy = new PolicyPlay().policy({ limits: ['1/h'], key: 'consumer', unknown: 'skip' });
    assert.equal(admitted(policy, 9), 9);
    assert.equal(admitted(policy, 9, {}, { consumer: 'ann' }), 1);
  });

  it('may differ from limit to limit', () => {
    const limits = ['5/h', { rate: '2/h', key: 'consumer' }];
    const policy = new PolicyPlay().policy({ limits });
    const by = (consumer: string) => admitted(policy, 9, {}, { consumer });
    assert.deepEqual([by('ann'), by('bob'), by('eve')], [2, 2, 1]);
  });
});

describe('Counts', () => {
  const options = { limits: ['3/h'] };

  it('of a policy of every route are one for all of them', () => {
    const play = new PolicyPlay();
    const [a, b] = ['a', 'b'].map((route) => play.policy(options, { route, global: true }));
    assert.ok(a !== undefined && b !== undefined);
    assert.deepEqual([admitted(a, 2), admitted(b, 9)], [2, 1]);
  });

  it('of a route’s own policy are its own', () => {
    const play = new PolicyPlay();
    const [a, b] = ['a', 'b'].map((route) => play.policy(options, { route }));
    assert.ok(a !== undefined && b !== undefined);
    assert.deepEqual([admitted(a, 9), admitted(b, 9)], [3, 3]);
  });

  it('of two uses that are alike and have the same scope are one: a request that passes both takes two', () => {
    const play = new PolicyPlay();
    const [first, second] = [play.policy(options), play.policy(options)];
    assert.deepEqual([admitted(first, 1), admitted(second, 1), admitted(first, 9)], [1, 1, 1]);
  });

  it('of two uses with another name are apart', () => {
    const play = new PolicyPlay();
    const named = play.policy({ limits: [{ rate: '3/h', name: 'mine' }] });
    assert.deepEqual([admitted(play.policy(options), 9), admitted(named, 9)], [3, 3]);
  });

  it('of the gateway are shared by routes that ask for it in the same words', () => {
    const play = new PolicyPlay();
    const of = (route: string) => play.policy({ ...options, scope: 'gateway' }, { route });
    assert.deepEqual([admitted(of('a'), 2), admitted(of('b'), 9)], [2, 1]);
  });

  it('may be those of a name, of all routes that say it', () => {
    const play = new PolicyPlay();
    const of = (route: string, name: string) => play.policy({ ...options, scope: { name } }, { route });
    assert.deepEqual(
      [admitted(of('a', 'api/pets'), 2), admitted(of('b', 'api/pets'), 9), admitted(of('a', 'api/users'), 9)],
      [2, 1, 3],
    );
  });

  it('may be those of a service, whichever route leads to it', () => {
    const play = new PolicyPlay();
    const of = (route: string, service: string) =>
      play.policy({ ...options, scope: 'service' }, { route, service });
    assert.deepEqual(
      [admitted(of('a', 'orders'), 2), admitted(of('b', 'orders'), 9), admitted(of('c', 'users'), 9)],
      [2, 1, 3],
    );
  });

  for (const scope of ['gateway', 'service', { name: 'api/pets' }] as const)
    it(`of ${JSON.stringify(scope)} are an organization’s own: no other uses them up by the same words`, () => {
      const play = new PolicyPlay();
      const of = (organization?: string, global = false) =>
        play.policy({ ...options, scope }, { service: 'orders', organization, global });
      assert.deepEqual(
        [admitted(of('acme'), 9), admitted(of('acme'), 9), admitted(of('globex'), 9), admitted(of(), 9)],
        [3, 0, 3, 3],
      );
      assert.deepEqual([admitted(of('acme', true), 9), admitted(of('globex', true), 9)], [0, 0]);
    });

  it('outlive the policy where a reload makes it anew as it was, and begin anew where it changed', () => {
    const play = new PolicyPlay();
    assert.equal(admitted(play.policy(options), 9), 3);
    assert.equal(admitted(play.policy(options), 9), 0);
    assert.equal(admitted(play.policy({ limits: ['4/h'] }), 9), 4);
  });

  it('outlive a reload that puts a limit by another key beside theirs', () => {
    const play = new PolicyPlay();
    assert.equal(admitted(play.policy({ limits: ['3/h'] }), 2), 2);
    assert.equal(admitted(play.policy({ limits: ['3/h', { rate: '100/h', key: 'route' }] }), 5), 1);
  });

  it('of concurrency go down when a request has ended, however it ended', () => {
    const policy = new PolicyPlay().policy({ limits: [{ concurrency: 2 }] });
    const [first, second, third] = [begin(policy), begin(policy), begin(policy)];
    assert.deepEqual([first.answer, second.answer, third.answer?.status], [undefined, undefined, 429]);
    assert.ok(third.lines.includes('Retry-After: 1'));
    policy.onEnd?.(third.exchange);
    assert.equal(begin(policy).answer?.status, 429);
    policy.onEnd?.(first.exchange);
    policy.onEnd?.(first.exchange);
    assert.equal(begin(policy).answer, undefined);
    assert.equal(begin(policy).answer?.status, 429);
  });

  it('keep no more than a bounded number of the keys of a burst once it is over', () => {
    const play = new PolicyPlay();
    const inner = play.limits.limiter();
    let made = 0;
    const limiter: Limiter = {
      isInstant: true,
      decision(limits) {
        made++;
        return inner.decision(limits);
      },
    };
    const policy = play.policy({ limits: [{ concurrency: 5000 }], key: { header: 'x-key' } }, {}, limiter);
    const burst = (): void => {
      const requests = Array.from({ length: 1000 }, (_, i) =>
        begin(policy, { headers: { 'x-key': `${i}` } }),
      );
      for (const { exchange } of requests) policy.onEnd?.(exchange);
    };
    burst();
    assert.equal(made, 1000);
    burst();
    assert.equal(made, 1000 + 1000 - 256);
  });

  it('in the shadow refuse nobody and are told of', () => {
    const play = new PolicyPlay();
    assert.equal(admitted(play.policy({ ...options, shadow: true }), 5), 5);
    assert.deepEqual(play.events, ['shadow_limited', 'shadow_limited']);
  });
});

describe('The cost', () => {
  it('is what a request takes of each rate, but not of concurrency', () => {
    const policy = new PolicyPlay().policy({ limits: ['10/h', { concurrency: 3 }], cost: 4 });
    assert.equal(begin(policy).lines[1], 'RateLimit: "10/h";r=6;t=1440, "concurrency 3";r=2');
    assert.equal(admitted(policy, 9), 1);
  });

  const CASES: readonly (readonly [title: string, units: string | undefined, left: number])[] = [
    ['is what the service’s answer says', '7', 3],
    ['is given back where the answer says less', '0', 10],
    ['is the default where the answer says nothing', undefined, 8],
    ['is the default where the answer says no number', '-7', 8],
    ['may be more than was left', '15', 0],
    ['is a number however large', '9'.repeat(400), 0],
  ];
  it('is a million at most, which is then waited for', () => {
    const policy = new PolicyPlay().policy({ limits: ['10/h'], cost: { header: 'X-Cost' } });
    const { exchange } = begin(policy);
    exchange.response.fields.append('x-cost', '9'.repeat(9));
    policy.onUpstreamResponse?.(exchange);
    answered(policy, exchange);
    assert.ok(exchange.responseLines.includes(`RateLimit: "10/h";r=0;t=${1_000_000 * 360}`));
  });

  for (const [title, units, left] of CASES) {
    it(title, () => {
      const policy = new PolicyPlay().policy({ limits: ['10/h'], cost: { header: 'X-Cost', default: 2 } });
      const { exchange } = begin(policy);
      exchange.response.fields.clear();
      if (units !== undefined) exchange.response.fields.append('x-cost', units);
      policy.onUpstreamResponse?.(exchange);
      answered(policy, exchange);
      assert.match(exchange.responseLines.at(-1) ?? '', new RegExp(`;r=${left};`));
      policy.onEnd?.(exchange);
      assert.equal(admitted(policy, 20), Math.floor(left / 2));
    });
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { Fields } from '../http/fields.ts';
import { ResponseHead } from '../http/response-head.ts';
import { Deadlines } from '../lib/deadlines.ts';
import { noPolicies } from '../policies/compile.ts';
import { routeSchema } from '../routing/schema.ts';
import { REJECTED } from '../upstream/breaker/breaker.ts';
import type { UpstreamConnection, UpstreamListener } from '../upstream/connection.ts';
import { OVERLOADED, type Service } from '../upstream/service.ts';
import type { Exchange } from './exchange.ts';
import { Mirror } from './mirror.ts';
import { openCopy } from './mirror-copy.ts';

/** Says what is sent on it, once it is flushed. */
class FakeConnection {
  congested = false;
  readonly said: string[] = [];
  readonly #gathered: string[] = [];

  send(head: string, method: string, chunked: boolean): void {
    this.#gathered.push(`head of ${method}${chunked ? ', chunked' : ''}, ${head.split('\r\n', 1)[0]}`);
  }

  write(data: Buffer, from: number, to: number): void {
    this.#gathered.push(data.toString('latin1', from, to));
  }

  endRequest(trailers: Fields | undefined): void {
    this.#gathered.push(trailers === undefined ? 'end' : `end ${JSON.stringify(trailers.toLines())}`);
  }

  flush(): void {
    this.said.push(...this.#gathered.splice(0));
  }

  cancel(): void {
    this.said.push('cancelled');
  }
}

/** A mirror whose service has one connection, which is there when `connect` is called. */
function setUp(options: object = {}, random: () => number = () => 0) {
  let now = 0;
  const deadlines = new Deadlines(() => now);
  const connection = new FakeConnection();
  const asking: UpstreamListener[] = [];
  const outcomes: string[] = [];
  const warnings: string[] = [];
  const pool = {
    acquire: (listener: UpstreamListener) => void asking.push(listener),
    forget: () => void outcomes.push('forgotten'),
  };
  const guards = { admits: 1, begins: 2 };
  const told: string[] = [];
  const tell = (who: string) => (permit: number, outcome: unknown, latencyMs: number) =>
    void told.push(`${who} ${permit}: ${String(outcome)}${latencyMs < 0 ? ', not all sent' : ''}`);
  const target = {
    name: '127.0.0.1:1',
    authority: 'shadow:1',
    pool,
    begin: () => guards.begins,
    report: tell('target'),
    end: (broken?: string) => void told.push(`target end${broken === undefined ? '' : ` by ${broken}`}`),
  };
  const service = {
    name: 'shadow',
    settings: { host: 'target' },
    admit: () => guards.admits,
    pick: () => target,
    report: tell('service'),
    end: () => void told.push('service end'),
  } as unknown as Service;
  const { mirror: settings } = routeSchema.parse({ match: {}, mirror: { service: 'shadow', ...options } });
  const mirror = new Mirror(settings as NonNullable<typeof settings>, {
    route: 'main',
    service,
    deadlines,
    warn: (message) => void warnings.push(message),
    random,
  });
  const recorder = {
    mirrored: (_: string, outcome: string) => void outcomes.push(outcome),
    upstreamFailed: () => {},
  };
  const exchange = (bodyLength = 0): Exchange =>
    ({
      request: {
        upstreamMethod: 'POST',
        upstreamPath: '/',
        upstreamSearch: '',
        upgrade: '',
        fields: new Fields(),
        bodyLength,
      },
      route: { policies: noPolicies },
      snapshot: { recorder },
      ended: false,
      copy: undefined,
    }) as unknown as Exchange;
  const tick = (ms: number): void => {
    now += ms;
    deadlines.sweep();
  };
  const connect = (): UpstreamListener => {
    const listener = asking.shift() as UpstreamListener;
    listener.onConnecting(connection as unknown as UpstreamConnection);
    listener.onConnection(connection as unknown as UpstreamConnection);
    return listener;
  };
  const copy = (of: Exchange): void => openCopy(mirror, of)?.send(of);
  return { mirror, connection, outcomes, warnings, exchange, copy, connect, tick, guards, told };
}

const piece = (text: string): [Buffer, number, number] => [Buffer.from(text), 0, text.length];

describe('A mirror', () => {
  it('copies its share of the requests, within what chance explains', () => {
    const { mirror, exchange } = setUp({ percent: 2.5, concurrency: 10_000 }, seededRandom(5));
    const request = exchange();
    let copied = 0;
    for (let i = 0; i < 100_000; i++) if (openCopy(mirror, request) !== undefined) copied++;
    assert.ok(Math.abs(copied - 2500) <= 4 * Math.sqrt(100_000 * 0.025 * 0.975), String(copied));
  });

  it('copies every request at 100 per cent', () => {
    const { mirror, exchange } = setUp({}, () => 1 - Number.EPSILON);
    assert.ok(openCopy(mirror, exchange()));
  });

  it('tells of what it loses once in ten seconds', () => {
    const { mirror, exchange, outcomes, warnings, tick } = setUp({ concurrency: 1 });
    openCopy(mirror, exchange());
    for (const ms of [0, 1, 9998, 1, 1]) {
      tick(ms);
      openCopy(mirror, exchange());
    }
    assert.equal(outcomes.filter((outcome) => outcome === 'dropped').length, 5);
    const warning = 'a copy for the mirror shadow of route main was lost: 1 under way are as many as may be';
    assert.deepEqual(warnings, [warning, warning]);
  });
});

describe('The body of a copy', () => {
  it('waits for a connection, then for one that takes it, and ends once', () => {
    const { exchange, copy, connect, connection } = setUp();
    const original = exchange(-1);
    copy(original);
    original.copy?.requestBody(...piece('one '));
    original.copy?.requestBody(...piece('two '));
    const listener = connect();
    original.copy?.requestBody(...piece('three '));
    connection.congested = true;
    original.copy?.requestBody(...piece('four '));
    original.copy?.requestBody(...piece('five '));
    connection.congested = false;
    listener.onDrain();
    connection.congested = true;
    original.copy?.requestBody(...piece('six'));
    original.copy?.requestBodyEnd(Fields.from({ 'X-Sum': '7' }));
    assert.equal(connection.said.at(-1), 'four five ');
    listener.onDrain();
    listener.onDrain();
    assert.deepEqual(connection.said, [
      'head of POST, chunked, POST / HTTP/1.1',
      'one two ',
      'three ',
      'four five ',
      'six',
      'end "X-Sum: 7\\r\\n"',
    ]);
  });

  it('may come before the copy is sent: the original may be quicker', () => {
    const { mirror, exchange, connect, connection } = setUp();
    const original = exchange(5);
    const made = openCopy(mirror, original);
    original.copy?.requestBody(...piece('hello'));
    original.copy?.requestBodyEnd(undefined);
    made?.send(original);
    connect();
    assert.deepEqual(connection.said, ['head of POST, POST / HTTP/1.1', 'hello', 'end']);
  });

  it('may wait up to the last octet of the buffer, and not one beyond', () => {
    const { exchange, copy, outcomes } = setUp({ buffer: '5kb' });
    const original = exchange(-1);
    copy(original);
    for (let i = 0; i < 5; i++) original.copy?.requestBody(...piece('x'.repeat(1024)));
    assert.deepEqual(outcomes, []);
    original.copy?.requestBody(...piece('x'));
    original.copy?.requestBody(...piece('x'));
    original.copy?.originalEnded();
    assert.deepEqual(outcomes, ['forgotten', 'dropped']);
  });
});

describe('A copy', () => {
  it('is not sent when the original was refused meanwhile', () => {
    const { mirror, exchange, outcomes, warnings } = setUp({ concurrency: 1 });
    const original = exchange();
    const made = openCopy(mirror, original);
    original.ended = true;
    made?.send(original);
    assert.deepEqual(outcomes, ['dropped']);
    assert.match(warnings.join(), /the original was not sent$/);
    assert.ok(openCopy(mirror, exchange()), 'there is room for another');
  });

  it('waits ten seconds for the end of its answer, and makes room then', () => {
    const { mirror, exchange, copy, connect, connection, outcomes, tick } = setUp({ concurrency: 1 });
    copy(exchange());
    connect().onHead(new ResponseHead());
    tick(10_000);
    assert.deepEqual([outcomes, connection.said.at(-1)], [['sent'], 'end']);
    assert.equal(openCopy(mirror, exchange()), undefined);
    tick(100);
    assert.deepEqual([outcomes, connection.said.at(-1)], [['sent', 'dropped'], 'cancelled']);
    assert.ok(openCopy(mirror, exchange()));
  });

  it('that failed within its answer was sent all the same', () => {
    const { exchange, copy, connect, outcomes } = setUp();
    copy(exchange());
    const listener = connect();
    listener.onHead(new ResponseHead());
    listener.onFailure({ kind: 'reset', cause: 'ECONNRESET within the answer' });
    assert.deepEqual(outcomes, ['sent']);
  });
});

describe('A copy is to the service that gets it as any request', () => {
  type Play = (stage: ReturnType<typeof setUp>) => void;
  const table: [title: string, play: Play, told: string[], outcomes: string[]][] = [
    [
      'when it is answered',
      ({ copy, connect, exchange }) => {
        copy(exchange());
        const listener = connect();
        const head = new ResponseHead();
        head.status = 503;
        listener.onHead(head);
        listener.onBodyEnd(undefined);
      },
      ['target 2: 503', 'service 1: 503', 'target end', 'service end'],
      ['sent'],
    ],
    [
      'when it gets no answer',
      ({ copy, connect, exchange }) => {
        copy(exchange());
        connect().onFailure({ kind: 'reset', cause: '' });
      },
      ['target 2: reset', 'service 1: reset', 'target end', 'service end'],
      ['failed'],
    ],
    [
      'when its answer breaks off',
      ({ copy, connect, exchange }) => {
        copy(exchange());
        const listener = connect();
        const head = new ResponseHead();
        head.status = 200;
        listener.onHead(head);
        listener.onFailure({ kind: 'reset', cause: '' });
      },
      ['target 2: 200', 'service 1: 200', 'target end by reset', 'service end'],
      ['sent'],
    ],
    [
      'when its original ends within its body',
      ({ copy, connect, exchange }) => {
        const original = exchange(-1);
        copy(original);
        connect();
        original.copy?.originalEnded();
      },
      [
        'target 2: abandoned, not all sent',
        'service 1: abandoned, not all sent',
        'target end',
        'service end',
      ],
      ['dropped'],
    ],
    [
      'when the service lets nothing in',
      ({ copy, exchange, guards }) => {
        for (const refusal of [REJECTED, OVERLOADED]) {
          guards.admits = refusal;
          copy(exchange());
        }
      },
      [],
      ['dropped', 'dropped'],
    ],
    [
      'when the target lets nothing in',
      ({ copy, exchange, guards }) => {
        guards.begins = REJECTED;
        copy(exchange());
      },
      ['service 1: abandoned, not all sent', 'service end'],
      ['dropped'],
    ],
  ];
  for (const [title, play, told, outcomes] of table) {
    it(title, () => {
      const stage = setUp({ concurrency: 1 });
      play(stage);
      assert.deepEqual([stage.told, stage.outcomes], [told, outcomes]);
      assert.ok(openCopy(stage.mirror, stage.exchange()), 'there is room for another');
    });
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inUtc } from '../../test/support/utc.ts';
import { AccessLog } from './access-log.ts';
import type { ExchangeRecord } from './record.ts';
import { type RecordParts, recordOf } from './record-of.support.ts';
import { ACCESS_LOG_FIELDS, type AccessLogField, observabilitySchema } from './schema.ts';

// Readable lines show local time.
inUtc();

interface LogOptions {
  format?: 'json' | 'line';
  colour?: boolean;
  fields?: readonly AccessLogField[];
  headers?: string[];
}

function configOf(options: LogOptions) {
  return observabilitySchema.parse({
    accessLog: { ...(options.fields && { fields: [...options.fields] }), headers: options.headers ?? [] },
  }).accessLog;
}

function linesOf(records: readonly ExchangeRecord[], options: LogOptions = {}): string {
  let text = '';
  const log = new AccessLog(configOf(options), {
    format: options.format ?? 'json',
    colour: options.colour ?? false,
    workerId: '3',
    sink: (batch) => {
      text += new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(batch);
    },
  });
  for (const record of records) log.record(record);
  log.close();
  return text;
}

describe('a JSON line', () => {
  it('has the default fields of a request that went well, in their order', () => {
    assert.equal(
      linesOf([recordOf({ headers: { 'User-Agent': 'curl/8.5.0' } })]),
      '{"time":"2026-01-31T12:03:11.123Z","id":"req-1","client":"192.0.2.7","method":"GET","host":"api.example.com",' +
        '"path":"/orders/7","status":200,"route":"orders","service":"orders-service","target":"127.0.0.1:4001",' +
        '"durationMs":1.234,"upstreamMs":0.900,"requestBytes":0,"responseBytes":118,"userAgent":"curl/8.5.0",' +
        '"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"}\n',
    );
  });

  it('names who called, and nobody where nobody is known by name', () => {
    const lineOf = (consumer: string | undefined) =>
      linesOf([recordOf(consumer === undefined ? {} : { principal: { consumer } })], {
        fields: ['consumer'],
      });
    assert.equal(lineOf('al"ice'), '{"consumer":"al\\"ice"}\n');
    assert.equal(lineOf(''), '{}\n');
    assert.equal(lineOf(undefined), '{}\n');
    const readable = linesOf([recordOf({ principal: { consumer: 'alice' } })], { format: 'line' });
    assert.match(readable, / @alice\n$/);
  });

  it('leaves out what a refused request does not have', () => {
    const refused = recordOf({
      request: { method: '', authority: '', host: '', path: '' },
      status: 400,
      code: 'bad_request',
      error: 'a space before the colon',
      routeName: '',
      serviceName: undefined,
      targetName: '',
      upstreamMs: -1,
      attempts: 0,
    });
    assert.equal(
      linesOf([refused], {
        fields: [
          'time',
          'method',
          'host',
          'path',
          'status',
          'code',
          'route',
          'service',
          'target',
          'upstreamMs',
          'error',
        ],
      }),
      '{"time":"2026-01-31T12:03:11.123Z","status":400,"code":"bad_request","error":"a space before the colon"}\n',
    );
  });

  const record = recordOf({
    request: { search: '?x=1&token=t0p', version: 20 },
    headers: { Referer: 'https://u:p@a.example/?code=9', 'X-Tenant': 'acme', 'x-tenant-two': 'é' },
    attempts: 3,
  });
  const cases: [title: string, fields: AccessLogField[], expected: string][] = [
    ['begins with whatever field comes first', ['status', 'id'], '{"status":200,"id":"req-1"}\n'],
    [
      'begins well when the first fields are empty',
      ['code', 'error', 'id', 'status'],
      '{"id":"req-1","status":200}\n',
    ],
    ['is an empty object when there is nothing to say', ['code', 'error'], '{}\n'],
    ['hides secrets of the query', ['query'], '{"query":"?x=1&token=***"}\n'],
    ['hides secrets of the referer', ['referer'], '{"referer":"https://***@a.example/?code=***"}\n'],
    ['names protocol and scheme', ['protocol', 'scheme'], '{"protocol":"HTTP/2","scheme":"https"}\n'],
    ['counts attempts', ['attempts'], '{"attempts":3}\n'],
    ['names listener and worker', ['listener', 'worker'], '{"listener":"http","worker":"3"}\n'],
  ];
  for (const [title, fields, expected] of cases) {
    it(title, () => assert.equal(linesOf([record], { fields }), expected));
  }

  it('holds the request fields asked for, by their names in small letters', () => {
    assert.equal(
      linesOf([record], { fields: ['status'], headers: ['X-Tenant', 'X-Absent', 'x-tenant-two'] }),
      '{"status":200,"headers":{"x-tenant":"acme","x-tenant-two":"é"}}\n',
    );
    assert.equal(linesOf([record], { fields: ['status'], headers: ['X-Absent'] }), '{"status":200}\n');
    assert.equal(
      linesOf([record], { fields: ['code'], headers: ['x-tenant'] }),
      '{"headers":{"x-tenant":"acme"}}\n',
    );
  });

  it('refuses to be told to log a credential', () => {
    assert.throws(() => linesOf([], { headers: ['X-Tenant', 'Authorization'] }), {
      message: 'the field Authorization carries credentials and is never logged',
    });
  });

  it('reads octets of the wire as UTF-8 where they are that, and as latin1 where not', () => {
    const octets = (text: string): string => Buffer.from(text).toString('latin1');
    const paths = [octets('/größe/日本'), '/gr\xf6\xdfe', octets('/a"b\\c')];
    assert.equal(
      linesOf(
        paths.map((path) => recordOf({ request: { path } })),
        { fields: ['path'] },
      ),
      '{"path":"/größe/日本"}\n{"path":"/größe"}\n{"path":"/a\\"b\\\\c"}\n',
    );
  });

  it('cuts a value that is longer than any honest one', () => {
    const line = linesOf([recordOf({ request: { path: `/${'a'.repeat(100_000)}` } })], { fields: ['path'] });
    assert.equal(line, `{"path":"/${'a'.repeat(8191)}..."}\n`);
  });

  it('writes numbers that are none as 0', () => {
    const odd = recordOf({
      durationMs: Number.NaN,
      upstreamMs: Number.POSITIVE_INFINITY,
      responseBytes: Number.NaN,
    });
    assert.equal(
      linesOf([odd], { fields: ['durationMs', 'upstreamMs', 'responseBytes'] }),
      '{"durationMs":0.000,"upstreamMs":0.000,"responseBytes":0}\n',
    );
  });

  it('is one line of valid JSON in UTF-8 for any octets, and says what was said', () => {
    const octets = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
      maxLength: 40,
    });
    const text = fc.oneof(octets, fc.string({ unit: 'binary', maxLength: 40 }));
    const parts: fc.Arbitrary<RecordParts> = fc.record({
      id: text,
      code: text,
      error: text,
      routeName: text,
      serviceName: fc.option(text, { nil: undefined }),
      targetName: text,
      request: fc.record({ method: text, host: text, path: text, search: text }),
      headers: fc.record({ 'user-agent': text, referer: text, 'x-any': text }),
      status: fc.integer({ min: 0, max: 1200 }),
      durationMs: fc.double(),
      upstreamMs: fc.double(),
      startedAt: fc.double({ min: 0, max: 4e12, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(parts, { maxLength: 5 }),
        fc.shuffledSubarray([...ACCESS_LOG_FIELDS], { minLength: 1 }),
        (all, fields) => {
          const records = all.map(recordOf);
          const lines = linesOf(records, { fields, headers: ['x-any'] });
          // biome-ignore lint: control characters are what is looked for
          assert.doesNotMatch(lines, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/);
          const parsed = lines
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line));
          assert.equal(parsed.length, records.length);
          for (const [i, line] of parsed.entries()) {
            const allowed = fields.filter((field) => field in line);
            assert.deepEqual(
              Object.keys(line).filter((name) => name !== 'headers'),
              allowed,
            );
            const { error } = records[i] as ExchangeRecord;
            if ('error' in line) assert.equal(line.error.toWellFormed(), error.toWellFormed());
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a readable line', () => {
  const cases: [title: string, parts: RecordParts, expected: string][] = [
    [
      'tells a request that went well',
      {},
      '12:03:11.123 GET  https://api.example.com/orders/7 200 1.2ms orders->orders-service 127.0.0.1:4001',
    ],
    [
      'tells the code and the cause of a failure',
      { status: 502, code: 'upstream_unreachable', error: 'connect ECONNREFUSED', durationMs: 2345.6 },
      '12:03:11.123 GET  https://api.example.com/orders/7 502 2.35s orders->orders-service 127.0.0.1:4001 upstream_unreachable (connect ECONNREFUSED)',
    ],
    [
      'tells an answer that needed no upstream',
      {
        request: { method: 'DELETE', scheme: 'http', authority: 'a:8080' },
        serviceName: undefined,
        targetName: '',
      },
      '12:03:11.123 DELETE http://a:8080/orders/7 200 1.2ms orders',
    ],
    [
      'tells a request that could not be read',
      {
        request: { method: '', authority: '', host: '', path: '' },
        status: 400,
        code: 'bad_request',
        routeName: '',
        serviceName: undefined,
        targetName: '',
      },
      '12:03:11.123 -    - 400 1.2ms bad_request',
    ],
    [
      'cannot be used to write to the terminal',
      { request: { path: '/\x1b[2J\x9b1m\r\n12:00 GET /forged' }, serviceName: undefined, targetName: '' },
      '12:03:11.123 GET  https://api.example.com/\\u001b[2J\\u009b1m\\u000d\\u000a12:00 GET /forged 200 1.2ms orders',
    ],
  ];
  for (const [title, parts, expected] of cases) {
    it(title, () => assert.equal(linesOf([recordOf(parts)], { format: 'line' }), `${expected}\n`));
  }

  it('shows the query, without its secrets, when it is asked for', () => {
    const record = recordOf({
      request: { search: '?q=a&api_key=k' },
      serviceName: undefined,
      targetName: '',
    });
    assert.equal(
      linesOf([record], { format: 'line', fields: ['query'] }),
      '12:03:11.123 GET  https://api.example.com/orders/7?q=a&api_key=*** 200 1.2ms orders\n',
    );
  });

  for (const [status, colour] of [
    [204, 32],
    [304, 36],
    [404, 33],
    [500, 31],
  ] as const) {
    it(`shows ${status} in colour ${colour}`, () => {
      assert.match(
        linesOf([recordOf({ status })], { format: 'line', colour: true }),
        new RegExp(`\x1b\\[${colour}m${status}\x1b\\[0m`),
      );
    });
  }
});

describe('a batch', () => {
  function batches(): { log: AccessLog; sizes: number[] } {
    const sizes: number[] = [];
    const log = new AccessLog(configOf({ fields: ['path'] }), {
      format: 'json',
      workerId: '1',
      sink: (batch) => sizes.push(batch.length),
    });
    return { log, sizes };
  }
  const line = (length: number) =>
    recordOf({ request: { path: 'x'.repeat(length - '{"path":""}\n'.length) } });

  it('goes before a line that might not find room in 256 KiB', () => {
    const { log, sizes } = batches();
    // A line may take three times its characters.
    for (let i = 0; i < 63; i++) log.record(line(4000));
    assert.deepEqual(sizes, []);
    log.record(line(4000));
    assert.deepEqual(sizes, [63 * 4000]);
    log.close();
    assert.deepEqual(sizes, [63 * 4000, 4000]);
  });

  it('goes when its first line is 100 ms old, and no timer runs without a line', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { log, sizes } = batches();
    t.mock.timers.tick(1000);
    log.record(line(20));
    t.mock.timers.tick(99);
    log.record(line(20));
    assert.deepEqual(sizes, []);
    t.mock.timers.tick(1);
    assert.deepEqual(sizes, [40]);
    t.mock.timers.tick(1000);
    log.record(line(30));
    t.mock.timers.tick(100);
    assert.deepEqual(sizes, [40, 30]);
    log.close();
  });

  it('goes when the log is closed, and its memory is its own to transfer', () => {
    const received: Uint8Array[] = [];
    const log = new AccessLog(configOf({ fields: ['status'] }), {
      format: 'json',
      workerId: '1',
      sink: (b) => received.push(b),
    });
    log.record(recordOf());
    log.close();
    const batch = received[0] as Uint8Array;
    structuredClone(batch, { transfer: [batch.buffer as ArrayBuffer] });
    assert.equal(batch.length, 0);
    log.record(recordOf());
    log.flush();
    assert.equal(Buffer.from(received[1] as Uint8Array).toString(), '{"status":200}\n');
    log.close();
  });

  it('is never made when the log is off', () => {
    const config = observabilitySchema.parse({ accessLog: { enabled: false } }).accessLog;
    const log = new AccessLog(config, { format: 'json', workerId: '1', sink: () => assert.fail('a batch') });
    log.record(recordOf());
    log.close();
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get, HOST, request } from '../conformance/case.ts';
import { TestAuthority } from '../support/certificates.ts';
import { startGatewayBefore } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { type RecordedRequest, RecordingUpstream } from '../support/recording-upstream.ts';

type Options = Readonly<Record<string, unknown>>;

/** What came to the upstream of a request with these lines, sent from `from` by a gateway with these options of forwarding. */
async function forwarded(
  fieldLines: readonly string[],
  forwarding: Options = {},
  { from = '127.0.0.1', requestLine = 'GET /page HTTP/1.1', host = HOST } = {},
): Promise<{ request: RecordedRequest; port: number; log: Options }> {
  await using upstream = await RecordingUpstream.start();
  const gateway = await startGatewayBefore(upstream.url, { forwarding });
  try {
    using client = await RawClient.connect({ port: gateway.port, from });
    await client.send(request([requestLine, host, ...fieldLines].filter((line) => line !== '')));
    assert.equal((await client.answer()).status, 200);
  } finally {
    await gateway.close();
  }
  const log = gateway.accessLog()[0] as Options;
  return { request: upstream.requests[0] as RecordedRequest, port: gateway.port, log };
}

/** Every value of a field, as its lines stood. */
const all = ({ fields }: RecordedRequest, name: string): string[] =>
  fields.filter(([key]) => key === name).map(([, value]) => value);

const SPOOFS = [
  'X-Forwarded-For: 10.0.0.1',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Prefix: /admin',
  'X_Forwarded_For: 10.0.0.1',
  'X-Real-IP: 10.0.0.1',
  'Forwarded: for=10.0.0.1;proto=https',
];
const names = (one: RecordedRequest): string[] =>
  one.fields.map(([name]) => name).filter((name) => /forwarded|real/.test(name));

suite('an upstream learns of a client that is not trusted', () => {
  test('the address, host, scheme and port of its connection, and nothing that it says itself', async () => {
    for (const lines of [[], SPOOFS, [...SPOOFS, ...SPOOFS]]) {
      const { request: got, port, log } = await forwarded(lines);
      assert.deepEqual(all(got, 'x-forwarded-for'), ['127.0.0.1']);
      assert.deepEqual(all(got, 'x-forwarded-host'), ['a.example']);
      assert.deepEqual(all(got, 'x-forwarded-proto'), ['http']);
      assert.deepEqual(all(got, 'x-forwarded-port'), [String(port)]);
      assert.equal(names(got).length, 4);
      assert.equal(log['client'], '127.0.0.1');
    }
  });

  test('also when another address is trusted', async () => {
    const { request: got, log } = await forwarded(
      SPOOFS,
      { trust: ['127.0.0.1', '10.0.0.0/8'] },
      { from: '127.0.0.2' },
    );
    assert.deepEqual(all(got, 'x-forwarded-for'), ['127.0.0.2']);
    assert.equal(log['client'], '127.0.0.2');
  });

  test('although Connection names the fields that tell it (CVE-2022-31813)', async () => {
    const { request: got } = await forwarded([
      'Connection: X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Via, X-Request-Id, Traceparent, Forwarded',
    ]);
    assert.deepEqual(all(got, 'x-forwarded-for'), ['127.0.0.1']);
    assert.deepEqual(all(got, 'x-forwarded-host'), ['a.example']);
    assert.deepEqual(all(got, 'via'), ['1.1 portcullis']);
    assert.equal(all(got, 'x-request-id').length, 1);
    assert.equal(all(got, 'traceparent').length, 1);
  });

  test('in Forwarded, where that is asked for', async () => {
    const { request: got } = await forwarded(SPOOFS, { send: ['forwarded'] });
    assert.deepEqual(all(got, 'forwarded'), ['for=127.0.0.1;host=a.example;proto=http']);
    assert.deepEqual(names(got), ['forwarded']);
  });

  test('in both, or in neither', async () => {
    const both = await forwarded([], { send: ['x-forwarded', 'forwarded'] });
    assert.equal(names(both.request).length, 5);
    const neither = await forwarded(SPOOFS, { send: [] });
    assert.deepEqual(names(neither.request), []);
  });

  test('in Forwarded with a port in the host, which must be quoted', async () => {
    const { request: got } = await forwarded([], { send: ['forwarded'] }, { host: 'Host: a.example:81' });
    assert.deepEqual(all(got, 'forwarded'), ['for=127.0.0.1;host="a.example:81";proto=http']);
  });

  test('no host where an HTTP/1.0 client named none', async () => {
    const { request: got } = await forwarded(
      [],
      { send: ['x-forwarded', 'forwarded'] },
      {
        requestLine: 'GET / HTTP/1.0',
        host: '',
      },
    );
    assert.deepEqual(all(got, 'x-forwarded-host'), []);
    assert.deepEqual(all(got, 'forwarded'), ['for=127.0.0.1;proto=http']);
  });
});

suite('an upstream learns of a client behind trusted proxies', () => {
  const trust = ['127.0.0.1', '10.0.0.0/8'];

  test('what they say, with the proxy added to the chain', async () => {
    const { request: got, log } = await forwarded(
      [
        'X-Forwarded-For: 203.0.113.9, 10.0.0.1',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: Shop.example',
        'X-Forwarded-Prefix: /shop',
      ],
      { trust },
    );
    assert.deepEqual(all(got, 'x-forwarded-for'), ['203.0.113.9, 10.0.0.1, 127.0.0.1']);
    assert.deepEqual(all(got, 'x-forwarded-proto'), ['https']);
    assert.deepEqual(all(got, 'x-forwarded-host'), ['shop.example']);
    assert.deepEqual(all(got, 'x-forwarded-prefix'), ['/shop']);
    assert.deepEqual(all(got, 'host'), ['shop.example']);
    assert.equal(log['client'], '203.0.113.9');
  });

  test('not what the client said before them: the first address from the right that is not trusted is the client', async () => {
    const { log } = await forwarded(
      ['X-Forwarded-For: 192.0.2.66, 203.0.113.9', 'X-Forwarded-For: 10.0.0.1'],
      { trust },
    );
    assert.equal(log['client'], '203.0.113.9');
  });

  test('not what the family that they do not write says', async () => {
    const spoof = await forwarded(['Forwarded: for=192.0.2.66'], { trust });
    assert.equal(spoof.log['client'], '127.0.0.1');
    assert.deepEqual(all(spoof.request, 'forwarded'), []);
    const other = await forwarded(['X-Forwarded-For: 192.0.2.66'], { trust, read: 'forwarded' });
    assert.equal(other.log['client'], '127.0.0.1');
    assert.deepEqual(all(other.request, 'x-forwarded-for'), ['127.0.0.1']);
  });

  test('what Forwarded says, where they write that', async () => {
    const { request: got, log } = await forwarded(
      [
        'Forwarded: for="[2001:db8::9]:4711";proto=https;host=shop.example, for=10.0.0.1;proto=https;host=shop.example',
      ],
      { trust, read: 'forwarded', send: ['forwarded'] },
    );
    assert.equal(log['client'], '2001:db8::9');
    assert.deepEqual(all(got, 'forwarded'), [
      'for="[2001:db8::9]:4711";proto=https;host=shop.example, for=10.0.0.1;proto=https;host=shop.example, for=127.0.0.1;host=shop.example;proto=https',
    ]);
  });

  test('nothing, where they say what is no address', async () => {
    for (const text of ['unknown', '"203.0.113.9"', '203.0.113.9:x', '999.1.1.1', '-'])
      assert.equal((await forwarded([`X-Forwarded-For: ${text}`], { trust })).log['client'], '127.0.0.1');
  });

  test('a host that is none is not believed', async () => {
    const { request: got } = await forwarded(['X-Forwarded-For: 203.0.113.9', 'X-Forwarded-Host: a/b@c'], {
      trust,
    });
    assert.deepEqual(all(got, 'x-forwarded-host'), ['a.example']);
    assert.deepEqual(all(got, 'host'), ['a.example']);
  });
});

suite('Via', () => {
  test('is added behind what is there, with the version that the client spoke', async () => {
    const { request: got } = await forwarded(['Via: 1.0 fred, 1.1 p.example']);
    assert.deepEqual(all(got, 'via'), ['1.0 fred, 1.1 p.example', '1.1 portcullis']);
    const old = await forwarded([], {}, { requestLine: 'GET / HTTP/1.0' });
    assert.deepEqual(all(old.request, 'via'), ['1.0 portcullis']);
  });

  test('has the pseudonym that is asked for, or none', async () => {
    assert.deepEqual(all((await forwarded([], { via: 'edge-1' })).request, 'via'), ['1.1 edge-1']);
    assert.deepEqual(all((await forwarded([], { via: '' })).request, 'via'), []);
  });
});

suite('the request id', () => {
  const trust = ['127.0.0.1'];

  test('is the trace’s where the client has neither, and the log’s', async () => {
    const { request: got, log } = await forwarded([]);
    const [id] = all(got, 'x-request-id');
    assert.match(id ?? '', /^[0-9a-f]{32}$/);
    assert.equal(all(got, 'traceparent')[0]?.split('-')[1], id);
    assert.equal(log['id'], id);
  });

  test('of a client that is not trusted is replaced, however often it is given', async () => {
    const { request: got } = await forwarded(['X-Request-Id: mine', 'x-request-id: mine too']);
    assert.match(all(got, 'x-request-id').join(), /^[0-9a-f]{32}$/);
  });

  test('of a trusted proxy is kept, when it is one and not too long', async () => {
    const longest = 'a'.repeat(128);
    for (const id of ['mine', longest])
      assert.deepEqual(all((await forwarded([`X-Request-Id: ${id}`], { trust })).request, 'x-request-id'), [
        id,
      ]);
    for (const id of ['', `${longest}a`]) {
      const { request: got } = await forwarded([`X-Request-Id: ${id}`], { trust });
      assert.match(all(got, 'x-request-id').join(), /^[0-9a-f]{32}$/);
    }
  });

  test('stands in the field that is asked for, or in none', async () => {
    const other = await forwarded(['X-Request-Id: theirs'], { requestId: 'x-correlation-id' });
    assert.match(all(other.request, 'x-correlation-id').join(), /^[0-9a-f]{32}$/);
    assert.deepEqual(all(other.request, 'x-request-id'), ['theirs']);
    const none = await forwarded(['X-Request-Id: theirs'], { requestId: '' });
    assert.deepEqual(all(none.request, 'x-request-id'), ['theirs']);
  });

  test('differs from request to request', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url);
    using client = await RawClient.connect({ port: gateway.port });
    for (let i = 0; i < 300; i++) await client.send(get());
    await upstream.until(() => upstream.requests.length === 300, '300 requests');
    assert.equal(new Set(upstream.requests.map((one) => all(one, 'x-request-id').join())).size, 300);
  });
});

suite('the trace', () => {
  const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  test('is begun where there is none', async () => {
    const { request: got } = await forwarded([]);
    assert.match(all(got, 'traceparent').join(), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
  });

  test('is continued, with a span of our own and the state untouched', async () => {
    const { request: got } = await forwarded([
      `Traceparent: ${PARENT}`,
      'Tracestate: a=1',
      'tracestate: b=2',
    ]);
    const [version, trace, span] = all(got, 'traceparent').join().split('-');
    assert.deepEqual([version, trace], ['00', '0af7651916cd43dd8448eb211c80319c']);
    assert.match(span ?? '', /^(?!b7ad6b7169203331)[0-9a-f]{16}$/);
    assert.equal(all(got, 'tracestate').join().replaceAll(' ', ''), 'a=1,b=2');
  });

  for (const [title, lines] of [
    ['of zeros', ['Traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01']],
    ['in capital letters', [`Traceparent: ${PARENT.toUpperCase()}`]],
    ['given twice', [`Traceparent: ${PARENT}`, `Traceparent: ${PARENT}`]],
    ['of the forbidden version', [`Traceparent: ff${PARENT.slice(2)}`]],
    ['that is none', ['Traceparent: x']],
  ] as const) {
    test(`${title} is begun anew, and its state dropped`, async () => {
      const { request: got } = await forwarded([...lines, 'Tracestate: a=1']);
      const parent = all(got, 'traceparent').join();
      assert.match(parent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
      assert.ok(!parent.toLowerCase().includes('0af7651916cd43dd8448eb211c80319c'));
      assert.deepEqual(all(got, 'tracestate'), []);
    });
  }
});

suite('a client by TLS', () => {
  test('is told of as such', async () => {
    const authority = await TestAuthority.make();
    const pair = await authority.issue('front', ['a.example']);
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(
      upstream.url,
      {
        protocol: 'https',
        tls: { certificates: ['front'] },
        forwarding: { send: ['x-forwarded', 'forwarded'] },
      },
      {},
      { front: pair },
    );
    using client = await RawClient.connect({
      port: gateway.port,
      tls: { ca: authority.cert, servername: 'a.example' },
    });
    await client.send(get(['X-Forwarded-Proto: http']));
    assert.equal((await client.answer()).status, 200);
    const got = upstream.requests[0] as RecordedRequest;
    assert.deepEqual(all(got, 'x-forwarded-proto'), ['https']);
    assert.deepEqual(all(got, 'forwarded'), ['for=127.0.0.1;host=a.example;proto=https']);
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type SliceSettings, sliceSchema, targetsOf } from './endpoint-slices.ts';
import { endpoint, slice } from './slices.support.ts';

const HTTP: SliceSettings = { port: 'http', scheme: 'http' };

function told(slices: readonly object[], settings = HTTP) {
  return targetsOf(
    slices.map((one) => sliceSchema.parse(one)),
    settings,
  );
}

suite('an endpoint is a target', () => {
  const target = { url: 'http://10.0.0.1:8080', weight: 1 };
  const conditions = (given: object | null) => ({ conditions: given });
  const table: [title: string, more: object, targets: object[]][] = [
    ['when it is ready', conditions({ ready: true }), [target]],
    ['when nothing is said of it', conditions(null), [target]],
    ['when its readiness is not known', conditions({ ready: null }), [target]],
    ['not when it is not ready', conditions({ ready: false, serving: false, terminating: false }), []],
    [
      'not when it is not ready, serves, and stays',
      conditions({ ready: false, serving: true, terminating: false }),
      [],
    ],
    ['not when it is not ready and nothing more is said', conditions({ ready: false }), []],
    [
      'that drains when it terminates and still serves',
      conditions({ ready: false, serving: true, terminating: true }),
      [{ ...target, draining: true }],
    ],
    [
      'not when it terminates and serves no more',
      conditions({ ready: false, serving: false, terminating: true }),
      [],
    ],
    [
      'also when it terminates and is ready, as where unready addresses are published',
      conditions({ ready: true, serving: true, terminating: true }),
      [target],
    ],
    ['in its zone', { zone: 'eu-1' }, [{ ...target, zone: 'eu-1' }]],
    ['at the first of its addresses', { addresses: ['10.0.0.1', '10.0.0.7'] }, [target]],
  ];
  for (const [title, more, targets] of table)
    test(title, () =>
      assert.deepEqual(told([slice('s', 1, [endpoint('10.0.0.1', more)])]), { ok: true, targets }),
    );
});

suite('the port of the targets', () => {
  const ports = [
    { name: 'dns', protocol: 'UDP', port: 8080 },
    { name: 'http', port: 3000 },
    { name: '', protocol: 'TCP', port: 9000 },
  ];
  const urls = (port: string | number, scheme: 'http' | 'https' = 'http') => {
    const found = told([slice('s', 1, [endpoint('10.0.0.1')], { ports })], { port, scheme });
    return found.ok ? found.targets.map(({ url }) => url) : found.reason;
  };
  test('is found by its name', () => assert.deepEqual(urls('http'), ['http://10.0.0.1:3000']));
  test('is found by its number', () => assert.deepEqual(urls(9000, 'https'), ['https://10.0.0.1:9000']));
  test('is one of TCP', () =>
    assert.equal(
      urls(8080),
      'no EndpointSlice has the port 8080; there are: dns 8080, http 3000, (no name) 9000',
    ));
  test('that no slice has is refused', () =>
    assert.equal(
      urls('htp'),
      'no EndpointSlice has the port htp; there are: dns 8080, http 3000, (no name) 9000',
    ));
  test('may be missing where there are no endpoints', () =>
    assert.deepEqual(told([slice('s', 1, null, { ports: null })]), { ok: true, targets: [] }));
  test('may differ from slice to slice, as while a Service changes its pods', () => {
    const slices = [
      slice('s-1', 1, [endpoint('10.0.0.1')]),
      slice('s-2', 1, [endpoint('10.0.0.2')], { ports: [{ name: 'http', port: 9090 }] }),
    ];
    assert.deepEqual(told(slices), {
      ok: true,
      targets: [
        { url: 'http://10.0.0.1:8080', weight: 1 },
        { url: 'http://10.0.0.2:9090', weight: 1 },
      ],
    });
  });
});

suite('the slices of both address families', () => {
  const four = slice('s-4', 1, [endpoint('10.0.0.1')]);
  const six = slice('s-6', 1, [endpoint('2001:db8::1')], { addressType: 'IPv6' });
  const urls = (slices: readonly object[]) => {
    const found = told(slices);
    return found.ok && found.targets.map(({ url }) => url);
  };
  test('give each pod once, by IPv4', () => assert.deepEqual(urls([six, four]), ['http://10.0.0.1:8080']));
  test('give IPv6 where there is nothing else', () =>
    assert.deepEqual(urls([six]), ['http://[2001:db8::1]:8080']));
  test('give IPv6 where the slice of IPv4 is empty', () =>
    assert.deepEqual(urls([six, slice('s-4', 1, [])]), ['http://[2001:db8::1]:8080']));
});

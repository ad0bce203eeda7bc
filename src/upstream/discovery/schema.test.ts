import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { discoverySchema } from './schema.ts';

const dns = { name: 'orders.internal', port: 80 };
const kubernetes = { service: 'orders', namespace: 'shop', port: 'http' };

suite('`discovery`', () => {
  const filled: [title: string, given: object, settings: object][] = [
    ['dns', { dns }, { dns: { ...dns, type: 'a', scheme: 'http', refresh: 30_000 } }],
    ['file', { file: { path: './targets.yaml' } }, { file: { path: './targets.yaml' } }],
    ['registry', { registry: {} }, { registry: { tags: [] } }],
    [
      'consul',
      { consul: { service: 'orders' } },
      { consul: { address: 'http://127.0.0.1:8500', service: 'orders', scheme: 'http', wait: 60_000 } },
    ],
    ['kubernetes', { kubernetes }, { kubernetes: { ...kubernetes, scheme: 'http' } }],
  ];
  for (const [title, given, settings] of filled)
    test(`fills in the defaults of ${title}`, () => assert.deepEqual(discoverySchema.parse(given), settings));

  const refused: [title: string, given: object, path: string, message: string | RegExp][] = [
    ['without a source', {}, '', 'says no source: give one of dns, file, registry, consul, kubernetes'],
    [
      'with two sources',
      { registry: {}, dns },
      'registry',
      'has more than one source, dns and registry: give one',
    ],
    ['with an unknown source', { etcd: {} }, '', /Unrecognized key: "etcd"/],
    [
      'A records without a port',
      { dns: { name: 'a' } },
      'dns.port',
      'is missing: A and AAAA records bring no port',
    ],
    [
      'SRV records with a port',
      { dns: { ...dns, type: 'srv' } },
      'dns.port',
      'has no use: SRV records bring the port',
    ],
    [
      'a name that DNS does not know',
      { dns: { ...dns, name: 'a..b' } },
      'dns.name',
      /is not a name that DNS knows/,
    ],
    [
      'an address as a name',
      { dns: { ...dns, name: 'http://a' } },
      'dns.name',
      /is not a name that DNS knows/,
    ],
    [
      'a server that is a name',
      { dns: { ...dns, servers: ['10.0.0.1', 'ns.internal'] } },
      'dns.servers.1',
      /is not the address of a DNS server/,
    ],
    [
      'a server with port 0',
      { dns: { ...dns, servers: ['10.0.0.1:0'] } },
      'dns.servers.0',
      /is not the address of a DNS server/,
    ],
    [
      'a refresh that no timer can wait for',
      { dns: { ...dns, refresh: '30d' } },
      'dns.refresh',
      'is not from 1s to 24h',
    ],
    [
      'a refresh that would never rest',
      { dns: { ...dns, refresh: '0s' } },
      'dns.refresh',
      'is not from 1s to 24h',
    ],
    [
      'an address of Consul with a path',
      { consul: { service: 'a', address: 'http://a/v1' } },
      'consul.address',
      /is not an address/,
    ],
    [
      'a wait that Consul cuts',
      { consul: { service: 'a', wait: '11m' } },
      'consul.wait',
      'is not from 1s to 10m',
    ],
    [
      'a Service that is none',
      { kubernetes: { ...kubernetes, service: 'a/b' } },
      'kubernetes.service',
      /is not the name of a Kubernetes Service/,
    ],
    [
      'a namespace that is none',
      { kubernetes: { ...kubernetes, namespace: '../x' } },
      'kubernetes.namespace',
      /is not the name of a namespace/,
    ],
  ];
  for (const [title, given, path, message] of refused) {
    test(`refuses ${title}`, () => {
      const [issue] = discoverySchema.safeParse(given).error?.issues ?? [];
      assert.equal(issue?.path.join('.'), path);
      if (typeof message === 'string') assert.equal(issue?.message, message);
      else assert.match(issue?.message ?? '', message);
    });
  }

  test('takes the servers that the resolver takes', () => {
    const servers = ['10.0.0.53', '10.0.0.53:5353', '2001:db8::53', '[2001:db8::53]:53'];
    assert.ok(discoverySchema.safeParse({ dns: { ...dns, servers } }).success);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileRedirect, type RedirectedRequest } from './redirect.ts';
import { routeSchema } from './schema.ts';

const request = {
  scheme: 'http',
  authority: 'a.test:8080',
  host: 'a.test',
  path: '/old/x',
  search: '?q=1',
} as const satisfies RedirectedRequest;

describe('Location', () => {
  const table: [
    title: string,
    redirect: object,
    change: Partial<RedirectedRequest>,
    location: string | undefined,
  ][] = [
    ['keeps what is not given', {}, {}, 'http://a.test:8080/old/x?q=1'],
    ['takes another scheme with its own port', { scheme: 'https' }, {}, 'https://a.test/old/x?q=1'],
    ['takes another scheme and a port', { scheme: 'https', port: 8443 }, {}, 'https://a.test:8443/old/x?q=1'],
    [
      'leaves out the port that the scheme implies',
      { scheme: 'https', port: 443 },
      {},
      'https://a.test/old/x?q=1',
    ],
    ['leaves out such a port of the request', {}, { authority: 'a.test:80' }, 'http://a.test/old/x?q=1'],
    ['takes another host and keeps the port', { host: 'b.test' }, {}, 'http://b.test:8080/old/x?q=1'],
    [
      'has no port when the request has none',
      { host: 'b.test' },
      { authority: 'a.test' },
      'http://b.test/old/x?q=1',
    ],
    ['takes another path', { path: '/new' }, {}, 'http://a.test:8080/new?q=1'],
    ['inserts captures', { path: '/new/{id}/*' }, {}, 'http://a.test:8080/new/7/x?q=1'],
    ['keeps an IPv6 address', {}, { authority: '[::1]:8080', host: '[::1]' }, 'http://[::1]:8080/old/x?q=1'],
    ['is a host alone of the whole server', { scheme: 'https' }, { path: '*', search: '' }, 'https://a.test'],
    ['is a path alone without a host', { path: '/new' }, { authority: '', host: '' }, '/new?q=1'],
    [
      'is that of another host without one',
      { host: 'b.test' },
      { authority: '', host: '' },
      'http://b.test/old/x?q=1',
    ],
    [
      'is nowhere with another scheme and no host',
      { scheme: 'https' },
      { authority: '', host: '' },
      undefined,
    ],
    ['is nowhere with another port and no host', { port: 8443 }, { authority: '', host: '' }, undefined],
  ];
  for (const [title, redirect, change, location] of table) {
    it(title, () => {
      const { redirect: config } = routeSchema.parse({ match: {}, redirect });
      assert.ok(config);
      assert.equal(compileRedirect(config, ['id', '*'])({ ...request, ...change }, ['7', '/x']), location);
    });
  }
});

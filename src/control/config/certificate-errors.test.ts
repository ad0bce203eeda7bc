import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { before, suite, test } from 'node:test';
import { type Pair, TestAuthority } from '../../../test/support/certificates.ts';
import { messages, NOW, place } from './load.support.ts';
import { loadConfig } from './load.ts';
import { LoadCache } from './load-cache.ts';

const DAY = 86_400_000;

suite('Errors of certificates', () => {
  let authority: TestAuthority;
  let good: Pair;
  let over: Pair;
  before(async () => {
    authority = await TestAuthority.make();
    const notBefore = new Date(NOW - 30 * DAY);
    const hosts = ['a.example', '*.shop.example'];
    good = await authority.issue('good', hosts, { notBefore, notAfter: new Date(NOW + 30 * DAY) });
    over = await authority.issue('over', hosts, { notBefore, notAfter: new Date(NOW - DAY) });
  });

  const files = (yaml: string, { cert, key } = good) => ({ 'c.yaml': yaml, 'a.pem': cert, 'a.key': key });
  const PAIR = 'cert: file:a.pem, key: file:a.key';

  test('tell the hosts that a certificate is not for', async () => {
    assert.deepEqual(
      await messages(
        files(`certificates: { a: { ${PAIR}, hosts: [a.example, www.shop.example, b.example] } }\n`),
      ),
      [
        'error 1:94 certificates.a.hosts[2]: the certificate is not for b.example: it is for a.example, *.shop.example',
      ],
    );
  });

  suite('refuse one of an organization', () => {
    // `good` is for a.example and *.shop.example.
    const foreign = (host: string) => [
      `error 6:33 certificates.a.organization: acme would speak for ${host}, of which somebody else has a part: leave the certificate to those who have a role everywhere`,
    ];
    const table: readonly (readonly [title: string, parts: string, expected: readonly string[]])[] = [
      ['for a host of another', `routes: { r: ${route('globex', 'a.example')} }`, foreign('a.example')],
      [
        'for a host below a wildcard of another',
        `routes: { r: ${route('globex', '*.example')} }`,
        foreign('a.example'),
      ],
      [
        'whose wildcard takes a host of another',
        `routes: { r: ${route('globex', 'x.shop.example')} }`,
        foreign('*.shop.example'),
      ],
      ['for a host of all', `routes: { r: ${route('', 'a.example')} }`, foreign('a.example')],
      [
        'whose wildcard takes a host of all',
        `routes: { r: ${route('', 'x.shop.example')} }`,
        foreign('*.shop.example'),
      ],
      ['for what it has itself', `routes: { r: ${route('acme', 'a.example')} }`, []],
      ['for what nobody has', `routes: { r: ${route('globex', 'b.example')} }`, []],
      ['below a wildcard of all', `routes: { r: ${route('', '*.example')} }`, []],
    ];
    function route(organization: string, host: string): string {
      const owner = organization === '' ? '' : `organization: ${organization}, `;
      return `{ ${owner}match: { hosts: ['${host}'] }, respond: {} }`;
    }
    for (const [title, parts, expected] of table)
      test(title, async () => {
        const yaml = `listeners: { http: { port: 80 } }
organizations:
  acme: {}
  globex: {}
certificates:
  a: { ${PAIR}, organization: acme }
${parts}
`;
        const told = await messages(files(yaml));
        assert.deepEqual(
          told.map((line) => line.replace(/^error 6:\d+ /, 'error 6:33 ')),
          expected,
        );
      });

    test('that another one has, too, at both', async () => {
      const yaml = `organizations: { acme: {}, globex: {} }
certificates:
  a: { ${PAIR}, organization: acme }
  b: { ${PAIR}, organization: globex }
  all: { ${PAIR} }
`;
      assert.deepEqual(
        (await messages(files(yaml))).map((line) => line.replace(/^(\S+) \S+ (\S+) .*/, '$1 $2')),
        ['error certificates.a.organization:', 'error certificates.b.organization:'],
      );
    });
  });

  test('that belong to all come before those of an organization: the first one is for clients that name no host', async () => {
    const yaml = `organizations: { acme: {} }
certificates:
  a: { ${PAIR}, organization: acme }
  all: { ${PAIR} }
`;
    const result = await loadConfig(place(files(yaml)), { nowMs: NOW });
    assert.ok(result.ok);
    assert.deepEqual(Object.keys(result.config.dataPlane.certificates), ['all', 'a']);
  });

  test('warn of hosts of routes that no certificate of a listener is for', async () => {
    const yaml = (tls: string) => `listeners:
  http: { port: 80 }
  https: { port: 443, protocol: https${tls} }
certificates: { a: { ${PAIR} } }
routes:
  one: { match: { hosts: [a.example, b.example] }, respond: {} }
  two: { match: { hosts: ['*.shop.example', c.shop.example, '*.b.example'] }, respond: {} }
  plain: { match: { hosts: [c.example], protocols: [http] }, respond: {} }
  any: { match: { paths: [/any] }, respond: {} }
`;
    const warning = (at: string, host: string) =>
      `warning ${at}: no certificate of a listener is for ${host}: add one, or say match.protocols: [http] where it is not for HTTPS`;
    const expected = [
      warning('6:38 routes.one.match.hosts[1]', 'b.example'),
      warning('7:61 routes.two.match.hosts[2]', '*.b.example'),
    ];
    assert.deepEqual(await messages(files(yaml(''))), expected);
    assert.deepEqual(await messages(files(yaml(', tls: { certificates: [a] }'))), expected);
  });

  test('warn of listeners without stapling whose certificate demands it', async () => {
    const life = { notBefore: new Date(NOW - DAY), notAfter: new Date(NOW + DAY) };
    const demanding = await authority.issue('demanding', ['a.example'], { ...life, mustStaple: true });
    const yaml = (tls: string) => `listeners:
  http: { port: 80 }
  https: { port: 443, protocol: https${tls} }
certificates: { a: { ${PAIR} }, b: { ${PAIR} } }
`;
    const warning = (name: string) =>
      `warning 3:3 listeners.https: the certificate ${name} demands that an OCSP response goes with it (must-staple), or clients refuse it: set tls.stapling: true`;
    assert.deepEqual(await messages(files(yaml(''), demanding)), [warning('a'), warning('b')]);
    assert.deepEqual(await messages(files(yaml(', tls: { certificates: [b] }'), demanding)), [warning('b')]);
    assert.deepEqual(await messages(files(yaml(', tls: { stapling: true }'), demanding)), []);
    assert.deepEqual(await messages(files(yaml(''))), []);
  });

  test('warn of what is served over https alone where nobody comes so', async () => {
    const yaml = (listeners: string, policies = '[]') => `listeners: { ${listeners} }
services: { a: { url: 'http://127.0.0.1:9' } }
policies: ${policies}
apis:
  one: { paths: [/one], service: a, protocols: https }
  two: { paths: [/two], service: a, protocols: { https: { redirect: true } } }
  off: { paths: [/off], service: a, protocols: https, enabled: false }
routes:
  three: { match: { paths: [/three] }, service: a, policies: [{ https-only: {} }] }
  four: { match: { paths: [/four], protocols: [https] }, service: a }
  both: { match: { paths: [/both], protocols: [https, http] }, service: a }
`;
    const warning = (at: string) =>
      `warning ${at}: takes requests over https alone, and none comes so: no listener has protocol: https, and none trusts a proxy that says how a client came (forwarding.trust)`;
    assert.deepEqual(await messages(files(yaml('http: { port: 80, forwarding: { trust: [] } }'))), [
      warning('5:48 apis.one.protocols'),
      warning('6:50 apis.two.protocols.https'),
      warning('9:65 routes.three.policies[0].https-only'),
      warning('10:36 routes.four.match.protocols'),
    ]);
    assert.deepEqual(await messages(files(yaml('http: { port: 80 }', '[{ https-only: {} }]'))), [
      warning('3:12 policies[0]'),
    ]);
    const proxied = files(yaml('http: { port: 80, forwarding: { trust: [10.0.0.1] } }'));
    assert.deepEqual(await messages(proxied), []);
    const secure = yaml(`http: { port: 80 }, https: { port: 443, protocol: https }`);
    assert.deepEqual(await messages(files(`${secure}certificates: { a: { ${PAIR} } }\n`)), []);
  });

  test('refuse a certificate that is over, but for one that is in force already', async () => {
    const first = place(files(`certificates: { a: { ${PAIR} } }\n`));
    const cache = new LoadCache();
    const load = async (nowMs: number) => {
      const result = await loadConfig(first, { nowMs, cache, env: {} });
      return [...(result.ok ? [] : result.errors), ...result.warnings].map(
        ({ severity, message }) => `${severity} ${message}`,
      );
    };
    const end = (days: number) => `the certificate is over since ${new Date(NOW + days * DAY).toISOString()}`;
    assert.deepEqual(await load(NOW), []);
    // In force, and over by now.
    assert.deepEqual(await load(NOW + 31 * DAY), [`warning ${end(30)}`]);
    writeFileSync(first.replace('c.yaml', 'a.pem'), over.cert);
    writeFileSync(first.replace('c.yaml', 'a.key'), over.key);
    assert.deepEqual(await load(NOW), [`error ${end(-1)}`]);
    // A gateway that is started with it has other work, too.
    const started = await messages(files(`certificates: { a: { ${PAIR} } }\n`, over));
    assert.deepEqual(started, [`warning 1:28 certificates.a.cert: ${end(-1)}`]);
  });

  test('tell what a listener cannot speak', async () => {
    const listener = (tls: string) =>
      files(
        `listeners: { l: { port: 1, protocol: https, tls: { ${tls} } } }\ncertificates: { a: { ${PAIR} } }\n`,
      );
    for (const [tls, expected] of [
      [
        "profile: modern, minVersion: '1.2'",
        'error 1:81 listeners.l.tls.minVersion: the profile modern speaks TLS 1.3 alone: say profile: intermediate for TLS 1.2',
      ],
      [
        'profile: modern, ciphers: [ECDHE-RSA-AES128-GCM-SHA256]',
        'error 1:69 listeners.l.tls.ciphers: has no cipher of TLS 1.3 (TLS_...), and nothing older is spoken',
      ],
      ['profile: old', 'error 1:61 listeners.l.tls.profile: is not modern or intermediate'],
    ] as const)
      assert.deepEqual(await messages(listener(tls)), [expected]);
  });

  test('tell lists of revoked certificates that are none, or over', async () => {
    const listener = (crl: string) => ({
      ...files(`listeners: { l: { port: 1, protocol: https, tls: { clientAuth: { ca: file:a.pem, crl: file:crl.pem } } } }
certificates: { a: { ${PAIR} } }
`),
      'crl.pem': crl,
    });
    const at = '1:87 listeners.l.tls.clientAuth.crl';
    assert.deepEqual(await messages(listener(good.cert)), [
      `error ${at}: holds no list of revoked certificates that can be read`,
    ]);
    assert.deepEqual(await messages(listener(await authority.revoke([], new Date(NOW + DAY)))), []);
    assert.deepEqual(await messages(listener(await authority.revoke([], new Date(NOW - DAY)))), [
      `warning ${at}: a list of revoked certificates is over since 2029-12-31T00:00:00.000Z: clients of its authority are refused until there is a newer one`,
    ]);
  });

  test('tell a secret of session tickets that could be guessed', async () => {
    assert.deepEqual(
      await messages(files('runtime: { sessionTickets: { secret: env:SHORT, rotation: 10s } }\n'), {
        env: { SHORT: 'sesame' },
      }),
      [
        'error 1:38 runtime.sessionTickets.secret: is shorter than 32 characters',
        'error 1:59 runtime.sessionTickets.rotation: is too short: 1m at least',
      ],
    );
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Fields } from '../http/fields.ts';
import { compileForwarding, type ForwardingConfig, type Origin } from './forwarding.ts';

const PROXY = '10.0.0.1';
const OTHER_PROXY = '10.0.0.2';
const CLIENT = '203.0.113.9';

function config(change: Partial<ForwardingConfig> = {}): ForwardingConfig {
  return {
    trust: ['10.0.0.0/8', '2001:db8:f::/48'],
    read: 'x-forwarded',
    send: ['x-forwarded'],
    via: 'portcullis',
    ...change,
  };
}

function fieldsOf(texts: readonly string[]): Fields {
  const fields = new Fields();
  for (const line of texts) {
    const colon = line.indexOf(': ');
    fields.append(line.slice(0, colon), line.slice(colon + 2));
  }
  return fields;
}

function lines(fields: Fields): string[] {
  const written: string[] = [];
  for (let i = 0; i < fields.list.length; i += 3)
    written.push(`${fields.list[i + 1]}: ${fields.list[i + 2]}`);
  return written;
}

suite("the client's address, read from X-Forwarded-For", () => {
  const CASES: [title: string, peer: string, lines: string[], address: string][] = [
    ['a client that is no proxy cannot choose its address', CLIENT, ['X-Forwarded-For: 10.0.0.9'], CLIENT],
    [
      'nor with an IPv6 address outside of the trusted range',
      '2001:db8::1',
      ['X-Forwarded-For: 10.0.0.9'],
      '2001:db8::1',
    ],
    ['a trusted proxy without the field is the client', PROXY, [], PROXY],
    ['a trusted proxy names the client', PROXY, [`X-Forwarded-For: ${CLIENT}`], CLIENT],
    [
      'what the client wrote before the proxy is not believed',
      PROXY,
      [`X-Forwarded-For: 10.0.0.9, ${CLIENT}`],
      CLIENT,
    ],
    [
      'nor in a field of its own',
      PROXY,
      ['X-Forwarded-For: 192.0.2.66', `X-Forwarded-For: ${CLIENT}`],
      CLIENT,
    ],
    [
      'a chain of trusted proxies leads to the client',
      PROXY,
      [`X-Forwarded-For: 1.1.1.1, ${CLIENT}, 10.0.0.3, ${OTHER_PROXY}`],
      CLIENT,
    ],
    [
      'a chain over two fields too',
      PROXY,
      [`X-Forwarded-For: 1.1.1.1, ${CLIENT}`, `X-Forwarded-For: ${OTHER_PROXY}`],
      CLIENT,
    ],
    [
      'where all are trusted, the first one is the client',
      PROXY,
      [`X-Forwarded-For: 10.0.0.3, ${OTHER_PROXY}`],
      '10.0.0.3',
    ],
    [
      'an entry that is no address ends the walk',
      PROXY,
      [`X-Forwarded-For: ${CLIENT}, evil, ${OTHER_PROXY}`],
      OTHER_PROXY,
    ],
    ['"unknown" ends the walk', PROXY, [`X-Forwarded-For: ${CLIENT}, unknown`], PROXY],
    ['an address with a leading zero ends the walk', PROXY, ['X-Forwarded-For: 203.0.113.09'], PROXY],
    ['empty entries are ignored', PROXY, [`X-Forwarded-For: , ${CLIENT},, `.trimEnd()], CLIENT],
    ['white space is ignored', PROXY, [`X-Forwarded-For: 1.1.1.1 \t,\t ${CLIENT} , ${OTHER_PROXY}`], CLIENT],
    ['a port is dropped', PROXY, [`X-Forwarded-For: ${CLIENT}:4711`], CLIENT],
    ['a bad port ends the walk', PROXY, [`X-Forwarded-For: ${CLIENT}:99999`], PROXY],
    ['IPv6 bare', PROXY, ['X-Forwarded-For: 2001:DB8:0:0::1'], '2001:db8::1'],
    ['IPv6 in brackets', PROXY, ['X-Forwarded-For: [2001:db8::1]'], '2001:db8::1'],
    ['IPv6 in brackets with a port', PROXY, ['X-Forwarded-For: [2001:db8::1]:4711'], '2001:db8::1'],
    ['IPv6 brackets left open', PROXY, ['X-Forwarded-For: [2001:db8::1'], PROXY],
    ['IPv4 in brackets', PROXY, [`X-Forwarded-For: [${CLIENT}]`], PROXY],
    [
      'an IPv4-mapped address is the IPv4 address, trusted like it',
      PROXY,
      [`X-Forwarded-For: ${CLIENT}, ::ffff:10.0.0.2`],
      CLIENT,
    ],
    ['a trusted IPv6 proxy', '2001:db8:f::1', [`X-Forwarded-For: ${CLIENT}`], CLIENT],
    ['Forwarded is not read', PROXY, ['Forwarded: for=192.0.2.66', `X-Forwarded-For: ${CLIENT}`], CLIENT],
    ['Forwarded alone is not read either', PROXY, ['Forwarded: for=192.0.2.66'], PROXY],
    ['X-Real-IP is not read', PROXY, ['X-Real-IP: 192.0.2.66'], PROXY],
  ];
  for (const [title, peer, sent, address] of CASES) {
    test(title, () => {
      assert.equal(compileForwarding(config()).clientAddress(peer, fieldsOf(sent)), address);
    });
  }

  test('nobody is trusted where the configuration names nobody', () => {
    const forwarding = compileForwarding(config({ trust: [] }));
    assert.equal(forwarding.clientAddress(PROXY, fieldsOf([`X-Forwarded-For: ${CLIENT}`])), PROXY);
    assert.equal(forwarding.trusts(PROXY), false);
  });

  test('whatever a client sends, behind a trusted proxy it has the address that the proxy saw', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'0123456789.:,[]" \tafox'), maxLength: 60 });
    fc.assert(
      fc.property(
        noise,
        fc.boolean(),
        fc.constantFrom('x-forwarded', 'forwarded'),
        (text, separate, read) => {
          const forwarding = compileForwarding(config({ read }));
          const name = read === 'forwarded' ? 'Forwarded' : 'X-Forwarded-For';
          const added = read === 'forwarded' ? `for=${CLIENT};proto=https` : CLIENT;
          const value = text.trim();
          const fields = new Fields();
          if (separate) fields.append(name, value);
          fields.append(name, separate || value === '' ? added : `${value}, ${added}`);
          assert.equal(forwarding.clientAddress(PROXY, fields), CLIENT);
        },
      ),
    );
  });
});

suite("the client's connection, as trusted proxies tell it", () => {
  const none = { scheme: undefined, authority: undefined, port: undefined };
  const CASES: [title: string, read: ForwardingConfig['read'], lines: string[], origin: Origin][] = [
    ['nothing told', 'x-forwarded', [], { address: PROXY, ...none }],
    [
      'all told by one proxy',
      'x-forwarded',
      [
        `X-Forwarded-For: ${CLIENT}`,
        'X-Forwarded-Proto: HTTPS',
        'X-Forwarded-Host: API.example.com:8443',
        'X-Forwarded-Port: 8443',
      ],
      { address: CLIENT, scheme: 'https', authority: 'api.example.com:8443', port: 8443 },
    ],
    [
      'a proxy that adds to a list: the item that belongs to the client, not what it sent',
      'x-forwarded',
      [
        `X-Forwarded-For: 1.1.1.1, ${CLIENT}`,
        'X-Forwarded-Proto: https, http',
        'X-Forwarded-Host: evil.example, api.example.com',
      ],
      { address: CLIENT, scheme: 'http', authority: 'api.example.com', port: undefined },
    ],
    [
      'two proxies that add to a list: the item of the outer one',
      'x-forwarded',
      [`X-Forwarded-For: ${CLIENT}, ${OTHER_PROXY}`, 'X-Forwarded-Proto: ftp, https, http'],
      { address: CLIENT, ...none, scheme: 'https' },
    ],
    [
      'two proxies that replace the field',
      'x-forwarded',
      [`X-Forwarded-For: ${CLIENT}, ${OTHER_PROXY}`, 'X-Forwarded-Proto: https'],
      { address: CLIENT, ...none, scheme: 'https' },
    ],
    [
      'values that cannot be',
      'x-forwarded',
      ['X-Forwarded-Proto: gopher', 'X-Forwarded-Host: user@host/path', 'X-Forwarded-Port: 0'],
      { address: PROXY, ...none },
    ],
    [
      'Forwarded, one element',
      'forwarded',
      [`Forwarded: For="${CLIENT}:4711";Proto=https;host="API.example.com:8443";by=_hidden;ext=1`],
      { address: CLIENT, scheme: 'https', authority: 'api.example.com:8443', port: undefined },
    ],
    [
      'Forwarded with an IPv6 address',
      'forwarded',
      ['Forwarded: for="[2001:db8:cafe::17]:4711"'],
      { address: '2001:db8:cafe::17', ...none },
    ],
    [
      'Forwarded through two proxies: scheme and host are those of the outer connection',
      'forwarded',
      [
        `Forwarded: for=1.1.1.1;proto=http, for=${CLIENT};proto=https;host=api.example.com, for=${OTHER_PROXY};proto=http;host=inner`,
      ],
      { address: CLIENT, scheme: 'https', authority: 'api.example.com', port: undefined },
    ],
    [
      'Forwarded over several fields',
      'forwarded',
      ['Forwarded: for=1.1.1.1', `Forwarded: for=${CLIENT}`, `Forwarded: for=${OTHER_PROXY}`],
      { address: CLIENT, ...none },
    ],
    [
      'Forwarded, quotes with a comma in them',
      'forwarded',
      [`Forwarded: for=${CLIENT};ext="a, b"`],
      { address: CLIENT, ...none },
    ],
    [
      'Forwarded, hidden client',
      'forwarded',
      ['Forwarded: for=_secret;proto=https'],
      { address: PROXY, ...none, scheme: 'https' },
    ],
    ['Forwarded, malformed', 'forwarded', [`Forwarded: for=${CLIENT};;`], { address: PROXY, ...none }],
    [
      'Forwarded, an IPv6 address without quotes',
      'forwarded',
      ['Forwarded: for=[2001:db8::1]'],
      { address: PROXY, ...none },
    ],
    [
      'Forwarded, a parameter twice',
      'forwarded',
      [`Forwarded: for=1.1.1.1;for=${CLIENT}`],
      { address: PROXY, ...none },
    ],
    [
      'Forwarded, a quote that the client left open',
      'forwarded',
      [`Forwarded: for="1.1.1.1, for=${CLIENT}`],
      { address: CLIENT, ...none },
    ],
    [
      'X-Forwarded-For is not read where Forwarded is',
      'forwarded',
      ['X-Forwarded-For: 1.1.1.1'],
      { address: PROXY, ...none },
    ],
  ];
  for (const [title, read, sent, origin] of CASES) {
    test(title, () => {
      assert.deepEqual(compileForwarding(config({ read })).origin(PROXY, fieldsOf(sent)), origin);
    });
  }

  test('an untrusted peer tells nothing', () => {
    assert.equal(
      compileForwarding(config()).origin(CLIENT, fieldsOf(['X-Forwarded-Proto: https'])),
      undefined,
    );
  });
});

suite('the fields that the upstream receives', () => {
  const OWN = ['X-Forwarded-Host: api.example.com', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 8443'];
  const CASES: [
    title: string,
    change: Partial<ForwardingConfig>,
    peer: string,
    before: string[],
    after: string[],
  ][] = [
    [
      'an ordinary request',
      {},
      CLIENT,
      ['Accept: */*'],
      ['Accept: */*', `X-Forwarded-For: ${CLIENT}`, ...OWN],
    ],
    [
      'all that an untrusted client made up is gone',
      {},
      CLIENT,
      [
        'X-Forwarded-For: 10.0.0.9',
        'x-forwarded-host: evil',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Port: 1',
        'X-Forwarded-Prefix: /admin',
        'X-Forwarded-User: root',
        'X-Forwarded-Ssl: on',
        'Forwarded: for=10.0.0.9',
        'X-Real-IP: 10.0.0.9',
        'Accept: */*',
        'X-Request-Id: 7',
      ],
      ['Accept: */*', 'X-Request-Id: 7', `X-Forwarded-For: ${CLIENT}`, ...OWN],
    ],
    [
      'names with underscores, which CGI-style upstreams take for the real ones, too',
      {},
      CLIENT,
      ['X_Forwarded_For: 10.0.0.9', 'X-Forwarded_Proto: http', 'x_real_ip: 10.0.0.9'],
      [`X-Forwarded-For: ${CLIENT}`, ...OWN],
    ],
    [
      'and from a trusted proxy as well, which never writes them',
      {},
      PROXY,
      ['X_Forwarded_For: 10.0.0.9', 'X_Real_Ip: 10.0.0.9', 'X_Forwarded_User: root'],
      [`X-Forwarded-For: ${PROXY}`, ...OWN],
    ],
    [
      'the chain of a trusted proxy is continued, its other fields are kept',
      {},
      PROXY,
      [
        'X-Forwarded-For: 1.1.1.1',
        `X-Forwarded-For: ${CLIENT}`,
        'X-Forwarded-Prefix: /api',
        'X-Forwarded-Proto: http',
      ],
      ['X-Forwarded-Prefix: /api', `X-Forwarded-For: 1.1.1.1, ${CLIENT}, ${PROXY}`, ...OWN],
    ],
    [
      'Forwarded through a proxy that writes the other family is what the client made up',
      {},
      PROXY,
      [`X-Forwarded-For: ${CLIENT}`, 'Forwarded: for=10.0.0.9'],
      [`X-Forwarded-For: ${CLIENT}, ${PROXY}`, ...OWN],
    ],
    [
      'X-Forwarded-* through a proxy that writes Forwarded, likewise; the client it told begins the chain',
      { read: 'forwarded' },
      PROXY,
      [`Forwarded: for=${CLIENT}`, 'X-Forwarded-For: 10.0.0.9', 'X-Forwarded-User: root'],
      [`X-Forwarded-For: ${CLIENT}, ${PROXY}`, ...OWN],
    ],
    [
      'Forwarded',
      { send: ['forwarded'] },
      CLIENT,
      ['X-Forwarded-For: 10.0.0.9', 'Forwarded: for=10.0.0.9'],
      [`Forwarded: for=${CLIENT};host=api.example.com;proto=https`],
    ],
    [
      'Forwarded continued',
      { send: ['forwarded'], read: 'forwarded' },
      PROXY,
      [`Forwarded: for=${CLIENT};proto=https`],
      [`Forwarded: for=${CLIENT};proto=https, for=${PROXY};host=api.example.com;proto=https`],
    ],
    [
      'Forwarded from a chain of the other family',
      { send: ['forwarded'] },
      PROXY,
      [`X-Forwarded-For: ${CLIENT}`],
      [`Forwarded: for=${CLIENT}, for=${PROXY};host=api.example.com;proto=https`],
    ],
    [
      'an IPv6 address is quoted in Forwarded and bare in X-Forwarded-For',
      { send: ['x-forwarded', 'forwarded'] },
      '2001:db8::1',
      [],
      [
        'X-Forwarded-For: 2001:db8::1',
        ...OWN,
        'Forwarded: for="[2001:db8::1]";host=api.example.com;proto=https',
      ],
    ],
    [
      'nothing is sent where the configuration says so',
      { send: [] },
      CLIENT,
      ['X-Forwarded-For: 10.0.0.9'],
      [],
    ],
    [
      'a peer without address is unknown',
      { send: ['forwarded'] },
      '',
      [],
      ['Forwarded: for=unknown;host=api.example.com;proto=https'],
    ],
  ];
  for (const [title, change, peer, before, after] of CASES) {
    test(title, () => {
      const forwarding = compileForwarding(config(change));
      const fields = fieldsOf(before);
      forwarding.apply(
        fields,
        forwarding.clientAddress(peer, fields),
        peer,
        'https',
        'api.example.com',
        8443,
      );
      assert.deepEqual(lines(fields), after);
    });
  }

  test('a client that names no host has none to pass on', () => {
    const fields = new Fields();
    compileForwarding(config({ send: ['x-forwarded', 'forwarded'] })).apply(
      fields,
      CLIENT,
      CLIENT,
      'http',
      '',
      8080,
    );
    assert.deepEqual(lines(fields), [
      `X-Forwarded-For: ${CLIENT}`,
      'X-Forwarded-Proto: http',
      'X-Forwarded-Port: 8080',
      `Forwarded: for=${CLIENT};proto=http`,
    ]);
  });

  test('a host with a port is quoted in Forwarded', () => {
    const fields = new Fields();
    compileForwarding(config({ send: ['forwarded'] })).apply(
      fields,
      CLIENT,
      CLIENT,
      'http',
      '[2001:db8::1]:8080',
      8080,
    );
    assert.deepEqual(lines(fields), [`Forwarded: for=${CLIENT};host="[2001:db8::1]:8080";proto=http`]);
  });

  test('Via is added behind those of others, with the version of the message received', () => {
    const fields = fieldsOf(['Via: 1.1 front']);
    const forwarding = compileForwarding(config());
    forwarding.appendVia(fields, 10);
    forwarding.appendVia(fields, 11);
    forwarding.appendVia(fields, 20);
    assert.deepEqual(lines(fields), [
      'Via: 1.1 front',
      'Via: 1.0 portcullis',
      'Via: 1.1 portcullis',
      'Via: 2.0 portcullis',
    ]);
  });

  test('an empty pseudonym sends no Via', () => {
    const fields = new Fields();
    compileForwarding(config({ via: '' })).appendVia(fields, 11);
    assert.deepEqual(lines(fields), []);
  });
});

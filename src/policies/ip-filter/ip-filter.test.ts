import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { readAddressList } from '../../lib/address-list.ts';
import { buildTable, sortRanges } from '../../lib/address-table.ts';
import { AddressLists, type ListData } from '../address-lists.ts';
import { validatePolicyUse } from '../compile.ts';
import { checkIpFilter } from './check.ts';
import { IpFilter } from './ip-filter.ts';
import { ipFilterSchema } from './schema.ts';

function list(text: string, kind: ListData['kind'] = 'addresses'): ListData {
  return { kind, digest: text, table: buildTable(sortRanges(readAddressList(text).ranges)) };
}

const lists = () =>
  new AddressLists({
    office: list('192.0.2.0/24\n2001:db8::/32'),
    abusers: list('198.51.100.7'),
    home: list('203.0.113.0/24', 'countries'),
    elsewhere: list('100.64.0.0/10', 'countries'),
  });

function filter(options: object, events: string[] = [], known = lists()): IpFilter {
  return new IpFilter(ipFilterSchema.parse(options), {
    count: (event) => events.push(event),
    addressList: (name) => known.named(name),
  });
}

/** The code of the answer, or `passes`. */
const verdict = (policy: IpFilter, clientAddress: string): string =>
  policy.onRequest(exchangeFor({ clientAddress }))?.code ?? 'passes';

describe('A filter', () => {
  const ADDRESS = 'forbidden_address';
  const COUNTRY = 'forbidden_country';
  const CASES: [title: string, options: object, verdicts: Record<string, string>][] = [
    [
      'with deny lets everybody else pass',
      { deny: ['10.0.0.0/8', '2001:db8::/32'] },
      { '10.1.2.3': ADDRESS, '11.0.0.1': 'passes', '2001:db8::1': ADDRESS, '2001:db9::1': 'passes' },
    ],
    [
      'with allow lets nobody else pass',
      { allow: ['10.0.0.0/8', '::1'] },
      { '10.1.2.3': 'passes', '11.0.0.1': ADDRESS, '::1': 'passes', '::2': ADDRESS },
    ],
    [
      'with both denies what both have',
      { allow: ['10.0.0.0/8'], deny: ['10.9.0.0/16'] },
      { '10.1.2.3': 'passes', '10.9.0.1': ADDRESS, '11.0.0.1': ADDRESS },
    ],
    [
      'that prefers allow makes exceptions from deny',
      { allow: ['10.9.0.0/16'], deny: ['10.0.0.0/8'], prefer: 'allow' },
      { '10.1.2.3': ADDRESS, '10.9.0.1': 'passes', '11.0.0.1': 'passes' },
    ],
    [
      'takes an IPv4-mapped address for the IPv4 address',
      { deny: ['10.0.0.0/8'] },
      { '::ffff:10.0.0.1': ADDRESS, '::ffff:a00:1': ADDRESS, '::ffff:11.0.0.1': 'passes' },
    ],
    [
      'takes an IPv4-mapped range for the IPv4 range',
      { deny: ['::ffff:10.0.0.0/104'] },
      { '10.0.0.1': ADDRESS, '11.0.0.1': 'passes' },
    ],
    [
      'has named lists and addresses together',
      { allow: [{ list: 'office' }, '127.0.0.1'], deny: [{ list: 'abusers' }, '192.0.2.66'] },
      {
        '192.0.2.1': 'passes',
        '192.0.2.66': ADDRESS,
        '127.0.0.1': 'passes',
        '198.51.100.7': ADDRESS,
        '2001:db8::7': 'passes',
      },
    ],
    [
      'names the country where a list of countries denies',
      { deny: [{ list: 'elsewhere' }, '10.0.0.1'] },
      { '100.64.0.1': COUNTRY, '10.0.0.1': ADDRESS, '203.0.113.1': 'passes' },
    ],
    [
      'names the country where only countries are allowed',
      { allow: [{ list: 'home' }] },
      { '203.0.113.1': 'passes', '198.51.100.1': COUNTRY },
    ],
    [
      'names the address where countries and addresses are allowed',
      { allow: [{ list: 'home' }, { list: 'office' }] },
      { '203.0.113.1': 'passes', '192.0.2.1': 'passes', '198.51.100.1': ADDRESS },
    ],
    [
      'lets nobody pass whose address is not known',
      { deny: ['10.0.0.0/8'] },
      { '': ADDRESS, unknown: ADDRESS, '10.0.0': ADDRESS },
    ],
  ];
  for (const [title, options, verdicts] of CASES) {
    it(title, () => {
      const policy = filter(options);
      for (const [address, expected] of Object.entries(verdicts))
        assert.equal(verdict(policy, address), expected, address);
    });
  }

  it('answers 403 with the code, and makes no answer for a request', () => {
    const policy = filter({ deny: ['10.0.0.0/8'] });
    const answer = policy.onRequest(exchangeFor({ clientAddress: '10.0.0.1' }));
    assert.deepEqual(answer, {
      status: 403,
      code: 'forbidden_address',
      detail: 'Requests from your address are not accepted here.',
    });
    assert.equal(policy.onRequest(exchangeFor({ clientAddress: '10.0.0.2' })), answer);
  });

  it('sees a list that changed, without being made anew', () => {
    const known = lists();
    const policy = filter({ deny: [{ list: 'abusers' }] }, [], known);
    known.replace({ abusers: list('192.0.2.9') });
    assert.equal(verdict(policy, '198.51.100.7'), 'passes');
    assert.equal(verdict(policy, '192.0.2.9'), 'forbidden_address');
  });

  it('that reports counts what it would refuse, and lets it pass', () => {
    const events: string[] = [];
    const policy = filter({ deny: ['10.0.0.1', { list: 'elsewhere' }], report: true }, events);
    assert.deepEqual(
      ['10.0.0.1', '10.0.0.2', '100.64.0.1'].map((address) => verdict(policy, address)),
      ['passes', 'passes', 'passes'],
    );
    assert.deepEqual(events, ['reported_address', 'reported_country']);
  });
});

describe('Options', () => {
  const NO_ADDRESS = 'is not an address or a range: "example.com" is not an IPv4 or IPv6 address';
  const TOGETHER = 'is for allow and deny together: allow makes exceptions from deny';
  for (const [options, path, message] of [
    [{}, '', 'needs allow, deny or both'],
    [{ allow: [] }, 'allow', 'Too small: expected array to have >=1 items'],
    [{ deny: ['example.com'] }, 'deny.0', NO_ADDRESS],
    [
      { deny: ['10.0.0.1/8'] },
      'deny.0',
      'is not an address or a range: it has bits set beyond its prefix; write 10.0.0.0/8',
    ],
    [{ deny: ['10.0.0.1'], prefer: 'allow' }, 'prefer', TOGETHER],
    [{ allow: ['10.0.0.1'], prefer: 'allow' }, 'prefer', TOGETHER],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'ip-filter', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});

describe('The check of a filter', () => {
  const known = new Map(
    Object.entries({ office: '10.0.0.0/8\n192.0.2.1', guests: '192.0.2.1/32\n10.0.0.0/16', none: '' }).map(
      ([name, text]) => [
        name,
        { kind: 'addresses' as const, ranges: sortRanges(readAddressList(text).ranges) },
      ],
    ),
  );
  const CASES: [title: string, options: object, problems: [path: string, message: string][]][] = [
    ['takes ranges within each other', { allow: ['10.0.0.0/8'], deny: ['10.9.0.0/16'] }, []],
    [
      'refuses a range that is denied and allowed',
      { allow: ['192.0.2.1', '10.0.0.0/8'], deny: ['::1', '10.0.0.0/8'] },
      [['deny.1', '10.0.0.0/8 is allowed too: allow[1] has it']],
    ],
    [
      'whatever its spelling',
      { allow: ['::ffff:192.0.2.1'], deny: ['192.0.2.1/32'] },
      [['deny.0', '192.0.2.1/32 is allowed too: allow[0] has it']],
    ],
    [
      'also where one stands in a list',
      { allow: ['10.0.0.0/16', { list: 'office' }], deny: ['10.0.0.0/8'] },
      [['deny.0', '10.0.0.0/8 is allowed too: allow[1] has it, in the list office']],
    ],
    [
      'also where both do',
      { allow: [{ list: 'office' }], deny: ['::1', { list: 'guests' }] },
      [['deny.1', '192.0.2.1/32 of the list guests is allowed too: allow[0] has it, in the list office']],
    ],
    [
      'takes lists that have nothing in common',
      { allow: [{ list: 'office' }], deny: [{ list: 'none' }] },
      [],
    ],
    [
      'tells a list that is not there, and what may have been meant',
      { allow: [{ list: 'offic' }], deny: ['10.0.0.0/8'] },
      [['allow.0.list', 'there is no list "offic" (office)']],
    ],
  ];
  for (const [title, options, problems] of CASES) {
    it(title, () => {
      assert.deepEqual(
        checkIpFilter(ipFilterSchema.parse(options), {
          lists: known,
          providers: new Set(),
          sessions: new Set(),
        }).map(({ path, message, suggestion }) => [
          path.join('.'),
          suggestion === undefined ? message : `${message} (${suggestion})`,
        ]),
        problems,
      );
    });
  }
});

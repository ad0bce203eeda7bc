import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  DisplayString,
  type InnerList,
  isInnerList,
  parseDictionary,
  serializeDictionary,
} from 'structured-headers';
import { assertTakesAtMost } from '../../../test/support/cpu-time.ts';
import { exchangeFor, type RequestDescription } from '../../../test/support/exchange.ts';
import { asker, identityOf, NOW_MS } from '../auth/auth.support.ts';
import { compilePolicies } from '../compile.ts';
import { signatureBase } from './signature-base.ts';
import {
  readDictionary,
  type StructuredType,
  strictlyWritten,
  structuredTypes,
} from './structured-fields.ts';

const TYPES = structuredTypes({
  'example-dict': 'dictionary',
  'example-list': 'list',
  'example-item': 'item',
});

/** Of one component: its line of the base, or why there is none. */
function lineOf(component: string, request: RequestDescription): string {
  const covered = parseDictionary(`s=(${component})`).get('s') as InnerList;
  assert.ok(isInnerList(covered));
  const base = signatureBase(exchangeFor(request).request, covered, TYPES);
  return typeof base === 'string' ? (base.split('\n')[0] ?? '') : base.detail;
}

const DICTIONARY = { headers: { 'Example-Dict': 'a=1,    b=2;x=1;y=2,   c=(a   b   c), d' } };
const ONE_LINE = { headers: { 'Example-Header': 'value, with, lots, of, commas' } };
const TWO_LINES: RequestDescription = {
  headers: [
    ['Example-Header', 'value, with, lots'],
    ['Example-Header', 'of, commas'],
  ],
};
const PARAMETERS = {
  url: '/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something',
};

describe('A component, as the examples of RFC 9421 have it', () => {
  for (const [section, request, component, value] of [
    ['2.1', DICTIONARY, '"example-dict"', 'a=1,    b=2;x=1;y=2,   c=(a   b   c), d'],
    ['2.1.1', DICTIONARY, '"example-dict";sf', 'a=1, b=2;x=1;y=2, c=(a b c), d'],
    ['2.1.2', DICTIONARY, '"example-dict";key="a"', '1'],
    ['2.1.2', DICTIONARY, '"example-dict";key="d"', '?1'],
    ['2.1.2', DICTIONARY, '"example-dict";key="b"', '2;x=1;y=2'],
    ['2.1.2', DICTIONARY, '"example-dict";key="c"', '(a b c)'],
    ['2.1.2, with what it implies', DICTIONARY, '"example-dict";sf;key="c"', '(a b c)'],
    ['2.1.3', ONE_LINE, '"example-header"', 'value, with, lots, of, commas'],
    ['2.1.3', TWO_LINES, '"example-header"', 'value, with, lots, of, commas'],
    ['2.1.3', ONE_LINE, '"example-header";bs', ':dmFsdWUsIHdpdGgsIGxvdHMsIG9mLCBjb21tYXM=:'],
    ['2.1.3', TWO_LINES, '"example-header";bs', ':dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:'],
    ['2.2.8', { url: '/path?param=value&foo=bar&baz=batman&qux=' }, '"@query-param";name="baz"', 'batman'],
    ['2.2.8', { url: '/path?param=value&foo=bar&baz=batman&qux=' }, '"@query-param";name="qux"', ''],
    ['2.2.8', PARAMETERS, '"@query-param";name="var"', 'this%20is%20a%20big%0Amultiline%20value'],
    ['2.2.8', PARAMETERS, '"@query-param";name="bar"', 'with%20plus%20whitespace'],
    ['2.2.8', PARAMETERS, '"@query-param";name="fa%C3%A7ade%22%3A%20"', 'something'],
  ] as const)
    it(`section ${section}: ${component}: ${value}`, () => {
      assert.equal(lineOf(component, request), `${component}: ${value}`);
    });
});

const UNKNOWN = 'The signature covers a component, or has a parameter of one, that is not known here.';
const OF_ANSWER =
  'The signature covers a component of an answer: @status and the parameter req have no meaning for a request.';
const OF_TRAILERS = 'The signature covers trailer fields, which come when the request has been judged.';
const EXCLUSIVE = 'The signature covers a field with bs and with sf or key, which exclude each other.';
const NOT_STRUCTURED =
  'The signature covers a field with sf or key that is not known to be structured so, or is not written so.';
const MISSING = 'The signature covers something that the request does not have.';

type Refusal = readonly [component: string, why: string, request?: RequestDescription];

describe('A component that cannot be checked is refused, with why', () => {
  const CASES: readonly Refusal[] = [
    ['"@status"', OF_ANSWER],
    ['"@method";req', OF_ANSWER],
    ['"example-dict";req', OF_ANSWER],
    ['"example-dict";key="a";req', OF_ANSWER],
    ['"example-dict";tr', OF_TRAILERS],
    ['"example-dict";bs;sf', EXCLUSIVE],
    ['"example-dict";key="a";bs', EXCLUSIVE],
    ['"example-dict";sf=?0', UNKNOWN],
    ['"example-dict";bs=1', UNKNOWN],
    ['"example-dict";key=a', UNKNOWN],
    ['"example-dict";xx', UNKNOWN],
    ['"@method";sf', UNKNOWN],
    ['"@target"', UNKNOWN],
    ['"Example-Dict"', UNKNOWN],
    ['method', UNKNOWN],
    ['"@query-param"', UNKNOWN],
    ['"@query-param";name="a"', MISSING, { url: '/?a=1&a=2' }],
    ['"@query-param";name="b"', MISSING, { url: '/?a=1' }],
    ['"x-none"', MISSING],
    ['"x-none";bs', MISSING],
    ['"example-dict";key="z"', NOT_STRUCTURED],
    ['"x-own";sf', NOT_STRUCTURED, { headers: { 'X-Own': 'a=1' } }],
    ['"example-dict";sf', NOT_STRUCTURED, { headers: { 'Example-Dict': 'a=1,,b' } }],
    ['"example-list";key="a"', NOT_STRUCTURED, { headers: { 'Example-List': 'a=1' } }],
    // A service that reads the first of two would read what nobody signed.
    ['"example-dict";key="a"', NOT_STRUCTURED, { headers: { 'Example-Dict': 'a=1, a=2' } }],
    ['"example-dict";key="a"', NOT_STRUCTURED, { headers: { 'Example-Dict': 'a=%"\\", a="x"' } }],
    ['"example-dict";sf', NOT_STRUCTURED, { headers: { 'Example-Dict': 'a=1.0' } }],
  ];
  for (const [component, why, request = DICTIONARY] of CASES)
    it(component + (request === DICTIONARY ? '' : ` of ${JSON.stringify(request)}`), () => {
      assert.equal(lineOf(component, request), why);
    });
});

describe('A structured field is written in one way (RFC 9651 section 4.1)', () => {
  const CASES: readonly (readonly [type: StructuredType, value: string, expected: string | undefined])[] = [
    ['item', '  "a\\"b";q=?1;r  ', '"a\\"b";q;r'],
    ['item', ':aGk=:', ':aGk=:'],
    ['item', '-0', '0'],
    ['item', '1.50', '1.5'],
    ['item', '"v1.0"', '"v1.0"'],
    ['item', 'v1.0', 'v1.0'],
    ['item', '1.0', undefined],
    ['item', 'a, b', undefined],
    ['list', 'a,b;x=?1 , (  1 2 );y', 'a, b;x, (1 2);y'],
    ['list', '"a,b",  "c"', '"a,b", "c"'],
    ['list', 'a;q=1.0', undefined],
    ['dictionary', 'a=?1,b=?0,  c=%"f%c3%bc"', 'a, b=?0, c=%"f%c3%bc"'],
    ['dictionary', 'A=1', undefined],
    ['dictionary', 'a=é', undefined],
  ];
  for (const [type, value, expected] of CASES)
    it(`${type} ${value}: ${expected ?? 'is refused'}`, () =>
      assert.equal(strictlyWritten(value, type), expected));

  it('at a cost that is its length, also of a string without end', () => {
    const value = `"1.0${'\\"'.repeat(15_000)}`;
    // An end was looked for from each quote: 1 s.
    assertTakesAtMost(200, () => assert.equal(strictlyWritten(value, 'item'), undefined));
  });
});

describe('A dictionary', () => {
  const string = fc.string({ unit: 'binary-ascii' }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, ','));
  const display = fc.string().map((text) => new DisplayString(text));
  const bare = fc.oneof(string, display, fc.boolean(), fc.integer({ min: -9, max: 9 }));
  const item = fc.tuple(bare, fc.constant(new Map([['p', 'a,"\\']])));
  const value = fc.oneof(item, fc.tuple(fc.array(item, { maxLength: 3 }), fc.constant(new Map())));
  const members = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), value), {
    minLength: 1,
    selector: ([key]) => key,
  });

  it('is read whatever is in it, and not when one of its keys stands twice', () => {
    fc.assert(
      fc.property(members, (entries) => {
        const text = serializeDictionary(new Map(entries));
        assert.equal(readDictionary(text)?.size, entries.length);
        for (const entry of entries) {
          const again = serializeDictionary(new Map([entry]));
          assert.equal(readDictionary(`${again}, ${text}`), undefined);
          assert.equal(readDictionary(`${text},${again}`), undefined);
        }
      }),
    );
  });
});

const SECRET = 'a secret of more than 16 octets';
const identity = identityOf({
  alice: { signatureKeys: [{ id: 'k', algorithm: 'hmac-sha256', secret: SECRET }] },
});

/** A request signed over these components, of which each is given with its line. */
function signedOver(
  components: Readonly<Record<string, string>>,
  request: RequestDescription,
  label = 's',
): RequestDescription {
  const input = `(${Object.keys(components).join(' ')});created=${NOW_MS / 1000};keyid="k"`;
  const lines = Object.entries(components).map(([name, value]) => `${name}: ${value}`);
  const base = [...lines, `"@signature-params": ${input}`].join('\n');
  const signature = createHmac('sha256', SECRET).update(Buffer.from(base, 'latin1')).digest('base64');
  const headers = request.headers as Readonly<Record<string, string>> | undefined;
  return {
    ...request,
    headers: { ...headers, 'Signature-Input': `${label}=${input}`, Signature: `${label}=:${signature}:` },
  };
}

const WHOLE = { '"@method"': 'GET', '"@target-uri"': 'http://api.example.com/' };

describe('A signature', () => {
  it('may cover fields strictly written and octet for octet, own ones where options name them', async () => {
    const request = signedOver(
      { ...WHOLE, '"x-own";sf': 'a=1, b', '"priority";sf': 'u=1, i', '"x-raw";bs': ':YeliYw==:' },
      { headers: { 'X-Own': 'a=1,b', Priority: 'u=1,i=?1', 'X-Raw': 'a\xe9bc' } },
    );
    const options = { structuredFields: { 'x-own': 'dictionary' } };
    const ask = await asker([{ name: 'signature', options }], identity);
    assert.equal((await ask(request)).consumer, 'alice');
    const without = await asker([{ name: 'signature', options: {} }], identity);
    assert.equal((await without(request)).code, 'invalid_credentials');
  });

  it('tells the client why it cannot be checked', async () => {
    const context = { route: 'r', warn: () => {}, policyEvent: () => {}, identity };
    const policies = await compilePolicies([{ name: 'signature', options: {} }], context);
    const exchange = exchangeFor(signedOver({ ...WHOLE, '"x-a";tr': 'x' }, { headers: { 'X-A': 'x' } }));
    const answer = await policies.onRequest[0]?.hooks.onRequest(exchange);
    assert.deepEqual(
      [answer?.status, answer?.code, answer?.detail],
      [401, 'invalid_credentials', OF_TRAILERS],
    );
  });

  for (const [title, change] of [
    ['of a label that stands twice', { field: 'Signature-Input', more: 's=("@method");created=1;keyid="k"' }],
    ['of a label that stands twice in the other field', { field: 'Signature', more: 's=:AAAA:' }],
  ] as const)
    it(`${title} is refused, in whichever order`, async () => {
      const ask = await asker([{ name: 'signature', options: {} }], identity);
      const request = signedOver(WHOLE, {});
      const headers = request.headers as Readonly<Record<string, string>>;
      const own = headers[change.field] ?? '';
      assert.equal((await ask(request)).consumer, 'alice');
      for (const value of [`${own}, ${change.more}`, `${change.more}, ${own}`]) {
        const got = await ask({ ...request, headers: { ...headers, [change.field]: value } });
        assert.equal(got.code, 'invalid_credentials');
      }
    });

  it('may cover the digest of the body strictly written, but not one digest of several', async () => {
    const digest = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:';
    const ask = await asker([{ name: 'signature', options: {} }], identity);
    const headers = { 'Content-Digest': digest };
    for (const [component, value, code] of [
      ['"content-digest"', digest, undefined],
      ['"content-digest";sf', digest, undefined],
      ['"content-digest";bs', `:${btoa(digest)}:`, undefined],
      ['"content-digest";key="sha-256"', digest.slice(8), 'invalid_credentials'],
    ] as const) {
      const request = signedOver({ ...WHOLE, [component]: value }, { headers, bodyLength: 1 });
      assert.equal((await ask(request)).code, code, component);
    }
  });
});

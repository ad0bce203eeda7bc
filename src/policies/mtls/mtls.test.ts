import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import type { RequestDescription } from '../../../test/support/exchange.ts';
import { asker, type ConsumersInput, identityOf } from '../auth/auth.support.ts';
import { validatePolicyUse } from '../compile.ts';
import { certificatePrincipal } from './certificate-principal.ts';

const nowMs = Date.now();

describe('A client certificate', () => {
  let authority: TestAuthority;
  let other: TestAuthority;
  let alice: X509Certificate;
  let named: X509Certificate;
  before(async () => {
    authority = await TestAuthority.make('Team authority');
    other = await TestAuthority.make('Other authority');
    alice = new X509Certificate((await authority.issue('alice')).cert);
    named = new X509Certificate((await authority.issue('service', ['a.Example', '192.0.2.1'])).cert);
  });

  const consumers = (certificates: object[]): ConsumersInput => ({ alice: { certificates } });

  async function got(
    certificates: object[],
    request: RequestDescription,
    { options = {}, atMs = nowMs }: { readonly options?: object; readonly atMs?: number } = {},
  ): Promise<readonly [consumer: string | undefined, code: string | undefined]> {
    const ask = await asker(
      [{ name: 'mtls', options }],
      identityOf(consumers(certificates), () => atMs),
    );
    const { consumer, code } = await ask(request);
    return [consumer, code];
  }

  const KNOWN = ['alice', undefined];
  const REFUSED = [undefined, 'invalid_credentials'];
  const ABSENT = [undefined, 'unauthenticated'];
  const shown = (leaf: X509Certificate, isVerified = true): RequestDescription => ({
    certificate: { leaf, isVerified },
  });

  it('is known by its fingerprint, with colons and without', async () => {
    const colons = `sha256:${alice.fingerprint256}`;
    assert.deepEqual(await got([{ fingerprint: colons }], shown(alice)), KNOWN);
    const digits = colons.replaceAll(':', '').replace('sha256', 'sha256:').toLowerCase();
    assert.deepEqual(await got([{ fingerprint: digits }], shown(alice)), KNOWN);
    assert.deepEqual(await got([{ fingerprint: digits }], shown(named)), REFUSED);
  });

  it('is known by its subject, its alternative names, and its issuer and number', async () => {
    assert.deepEqual(await got([{ subject: 'CN = alice' }], shown(alice)), KNOWN);
    assert.deepEqual(await got([{ subject: 'CN=Alice' }], shown(alice)), REFUSED);
    assert.deepEqual(await got([{ san: 'DNS:A.example' }], shown(named)), KNOWN);
    assert.deepEqual(await got([{ san: 'IP:192.0.2.1' }], shown(named)), KNOWN);
    assert.deepEqual(await got([{ san: 'DNS:b.example' }], shown(named)), REFUSED);
    const serial = alice.serialNumber;
    assert.deepEqual(await got([{ issuer: 'CN=Team authority', serial }], shown(alice)), KNOWN);
    assert.deepEqual(await got([{ issuer: 'CN=Other authority', serial }], shown(alice)), REFUSED);
    assert.deepEqual(await got([{ issuer: 'CN=Team authority', serial: '1' }], shown(alice)), REFUSED);
  });

  it('whose subject has no parts is known by its alternative names, and by nothing that it has not', async () => {
    const id = 'spiffe://example.com/billing';
    const nameless = new X509Certificate((await authority.issue('', [id])).cert);
    assert.equal(nameless.subject, undefined);
    assert.deepEqual(await got([{ san: `URI:${id}` }], shown(nameless)), KNOWN);
    assert.deepEqual(await got([{ subject: 'CN=alice' }], shown(nameless)), REFUSED);
  });

  it('that nobody vouches for is known by its fingerprint alone', async () => {
    const fingerprint = `sha256:${alice.fingerprint256}`;
    assert.deepEqual(await got([{ fingerprint }], shown(alice, false)), KNOWN);
    assert.deepEqual(await got([{ subject: 'CN=alice' }], shown(alice, false)), REFUSED);
  });

  it('is refused before and after the time that it is for', async () => {
    const subject = [{ subject: 'CN=alice' }];
    const after = alice.validToDate.getTime() + 1000;
    assert.deepEqual(await got(subject, shown(alice), { atMs: after }), REFUSED);
    const early = alice.validFromDate.getTime() - 1000;
    assert.deepEqual(await got(subject, shown(alice), { atMs: early }), REFUSED);
  });

  it('has to be signed by one of the authorities that the policy names', async () => {
    const subject = [{ subject: 'CN=alice' }];
    assert.deepEqual(await got(subject, shown(alice), { options: { ca: authority.cert } }), KNOWN);
    assert.deepEqual(await got(subject, shown(alice), { options: { ca: other.cert } }), REFUSED);
    const both = { ca: other.cert + authority.cert };
    assert.deepEqual(await got(subject, shown(alice), { options: both }), KNOWN);
    // An authority that only bears the name has not signed it.
    const false_ = await TestAuthority.make('Team authority');
    assert.deepEqual(await got(subject, shown(alice), { options: { ca: false_.cert } }), REFUSED);
  });

  describe('of nobody in the configuration, where an authority vouches for it,', () => {
    const table: readonly (readonly [
      unknown: string,
      whose: 'alice' | 'named',
      expected: string | undefined,
    ])[] = [
      ['refuse', 'alice', undefined],
      ['subject', 'alice', 'CN=alice'],
      ['san', 'alice', undefined],
      ['subject', 'named', 'CN=service'],
      ['san', 'named', 'DNS:a.example'],
    ];
    for (const [unknown, whose, expected] of table)
      it(`of ${whose} is ${expected ?? 'refused'} with unknown: ${unknown}`, async () => {
        const leaf = whose === 'alice' ? alice : named;
        assert.deepEqual(
          await got([], shown(leaf), { options: { unknown } }),
          expected === undefined ? REFUSED : [expected, undefined],
        );
      });

    it('is still a consumer’s first, and refused where nobody vouches for it or the time is over', async () => {
      const options = { unknown: 'subject' };
      assert.deepEqual(await got([{ subject: 'CN=alice' }], shown(alice), { options }), KNOWN);
      assert.deepEqual(await got([], shown(alice, false), { options }), REFUSED);
      assert.deepEqual(await got([], shown(alice), { options: { ...options, ca: other.cert } }), REFUSED);
      const atMs = alice.validToDate.getTime() + 1000;
      assert.deepEqual(await got([], shown(alice), { options, atMs }), REFUSED);
    });

    it('tells its names as claims', () => {
      assert.deepEqual(certificatePrincipal(named, 'san')?.claims, {
        subject: 'CN=service',
        issuer: 'CN=Team authority',
        serial: named.serialNumber.toLowerCase().replace(/^0+/, ''),
        fingerprint: `sha256:${named.fingerprint256.replaceAll(':', '').toLowerCase()}`,
        sans: ['DNS:a.example', 'IP:192.0.2.1'],
      });
    });
  });

  it('that is missing is 401', async () => {
    const ask = await asker([{ name: 'mtls', options: {} }], identityOf(consumers([])));
    const { status, code, challenge } = await ask();
    assert.deepEqual([status, code, challenge], [401, 'unauthenticated', 'ClientCertificate']);
  });

  it('is taken from a field of a trusted proxy, as a byte sequence or as encoded PEM', async () => {
    const subject = [{ subject: 'CN=alice' }];
    const options = { header: 'Client-Cert' };
    const sent = (value: string, isPeerTrusted = true, certificate = shown(named).certificate) => ({
      headers: { 'Client-Cert': value },
      isPeerTrusted,
      certificate,
    });
    const field = `:${alice.raw.toString('base64')}:`;
    const cases: readonly (readonly [RequestDescription, readonly (string | undefined)[]])[] = [
      [sent(field), KNOWN],
      [sent(encodeURIComponent(alice.toString())), KNOWN],
      [sent(`:${named.raw.toString('base64')}:`), REFUSED],
      [sent('::'), REFUSED],
      [sent(':AAAA:'), REFUSED],
      [sent('%'), REFUSED],
      [sent(`:${'A'.repeat(20_000)}:`), REFUSED],
      // Its own certificate is not the client's.
      [{ isPeerTrusted: true, certificate: shown(alice).certificate }, ABSENT],
      // From anybody else the field says nothing.
      [sent(field, false), REFUSED],
      [{ headers: { 'Client-Cert': field } }, ABSENT],
    ];
    for (const [request, expected] of cases)
      assert.deepEqual(await got(subject, request, { options }), expected);
    const twice: RequestDescription = {
      isPeerTrusted: true,
      headers: [
        ['Client-Cert', field],
        ['Client-Cert', field],
      ],
    };
    assert.deepEqual(await got(subject, twice, { options }), REFUSED);
  });

  for (const [options, isPeerTrusted, isSent] of [
    [{ header: 'client-cert' }, true, false],
    [{ header: 'client-cert', forward: true }, true, true],
    [{ header: 'client-cert', forward: true }, false, false],
  ] as const) {
    it(`in a field of ${isPeerTrusted ? 'a trusted proxy' : 'a client'} is ${isSent ? '' : 'not '}sent on with ${JSON.stringify(options)}`, async () => {
      const use = { name: 'auth', options: { any: [{ mtls: options }], optional: true } };
      const ask = await asker(
        [use],
        identityOf(consumers([{ subject: 'CN=alice' }]), () => nowMs),
      );
      const value = `:${alice.raw.toString('base64')}:`;
      const { status, sent } = await ask({ headers: { 'Client-Cert': value }, isPeerTrusted });
      assert.deepEqual([status, sent], [undefined, isSent ? [`Client-Cert: ${value}`] : []]);
    });
  }
});

it('Authorities that cannot be read are refused', async () => {
  const { mtlsMethod } = await import('./index.ts');
  const context = { lists: new Map(), providers: new Set<string>(), sessions: new Set<string>() };
  assert.deepEqual(mtlsMethod.check?.({ ca: 'x', forward: false, unknown: 'refuse' }, context), [
    { path: ['ca'], message: 'holds no PEM certificates that can be read' },
  ]);
  assert.equal(
    (await validatePolicyUse({ name: 'mtls', options: { header: 'a b' } }))[0]?.message,
    'is not a field name',
  );
});

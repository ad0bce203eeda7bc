import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { TestAuthority } from '../../../test/support/certificates.ts';
import type { CertificatePair } from './certificate-table.ts';
import { TlsHarness } from './listener-tls.support.ts';

suite('Of an elliptic and an RSA certificate for one name', () => {
  const pairs: Record<string, CertificatePair> = {};
  let harness: TlsHarness;
  before(async () => {
    const authority = await TestAuthority.make();
    pairs['rsa'] = await authority.issue('rsa', ['a.example'], { rsaBits: 2048 });
    pairs['ecdsa'] = await authority.issue('ecdsa', ['a.example']);
    pairs['wild'] = await authority.issue('wild', ['*.mixed.example'], { rsaBits: 2048 });
    pairs['narrow'] = await authority.issue('narrow', ['b.mixed.example']);
    harness = await TlsHarness.listen({}, pairs);
  });
  after(() => harness.close());

  const tls12 = { maxVersion: 'TLSv1.2' } as const;
  const both = 'ECDSA+SHA256:RSA+SHA256:RSA-PSS+SHA256';
  for (const [title, options, name] of [
    ['a client of TLS 1.3 gets the elliptic one', {}, 'ecdsa'],
    ['one that checks RSA alone gets RSA', { sigalgs: 'RSA-PSS+SHA256' }, 'rsa'],
    ['one that knows other curves alone gets RSA', { sigalgs: 'ECDSA+SHA384:RSA-PSS+SHA256' }, 'rsa'],
    ['a client of TLS 1.2 gets the elliptic one', { ...tls12, sigalgs: both }, 'ecdsa'],
    ['one whose ciphers are for RSA gets RSA', { ...tls12, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, 'rsa'],
    ['one whose signatures are RSA gets RSA', { ...tls12, sigalgs: 'RSA+SHA256:RSA-PSS+SHA256' }, 'rsa'],
    ['one without the curve gets RSA', { ...tls12, ecdhCurve: 'X25519:secp384r1', sigalgs: both }, 'rsa'],
    ['who names no server gets the fallback in the kind that fits', { servername: '' }, 'ecdsa'],
    ['an exact name in a kind that fits comes first', { servername: 'b.mixed.example' }, 'narrow'],
    [
      'a wildcard in a kind that fits comes before an exact name in one that does not',
      { servername: 'b.mixed.example', sigalgs: 'RSA-PSS+SHA256' },
      'wild',
    ],
  ] as const satisfies readonly (readonly [string, ConnectionOptions, string])[]) {
    test(title, async () => {
      assert.equal((await harness.meet({ servername: 'a.example', ...options })).name, name);
    });
  }
});

suite('The profile of a listener', () => {
  let pairs: Record<string, CertificatePair>;
  let harness: TlsHarness;
  before(async () => {
    const authority = await TestAuthority.make();
    pairs = { only: await authority.issue('only', ['a.example']) };
    harness = await TlsHarness.listen({}, pairs);
  });
  after(() => harness.close());

  const REFUSED = 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION';
  const AES256 = 'ECDHE-ECDSA-AES256-GCM-SHA384';
  for (const [title, settings, options, expected] of [
    ['intermediate speaks TLS 1.2', {}, { maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    ['intermediate does not speak TLS 1.1', {}, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }, REFUSED],
    ['intermediate speaks TLS 1.3', {}, {}, 'TLSv1.3'],
    ['modern speaks TLS 1.3', { profile: 'modern' }, {}, 'TLSv1.3'],
    ['modern refuses TLS 1.2', { profile: 'modern' }, { maxVersion: 'TLSv1.2' }, REFUSED],
    ['minVersion counts before the profile', { minVersion: '1.3' }, { maxVersion: 'TLSv1.2' }, REFUSED],
  ] as const) {
    test(title, async () => {
      harness.update(settings, pairs);
      const security = options.maxVersion === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {};
      const met = await harness.meet({ ...options, ...security });
      assert.equal(met.protocol ?? met.alert, expected);
    });
  }

  const offered = `${AES256}:ECDHE-ECDSA-AES128-GCM-SHA256`;
  for (const [title, settings, cipher] of [
    ["the client's order counts", {}, AES256],
    [
      "or the listener's, if asked",
      { serverPreference: true, ciphers: ['ECDHE-ECDSA-AES128-GCM-SHA256', AES256] },
      'ECDHE-ECDSA-AES128-GCM-SHA256',
    ],
    ['and no others than these are taken', { ciphers: [AES256] }, AES256],
  ] as const) {
    test(`of ciphers ${title}`, async () => {
      harness.update(settings, pairs);
      assert.equal((await harness.meet({ maxVersion: 'TLSv1.2', ciphers: offered })).cipher, cipher);
    });
  }

  test('of ciphers none that is not authenticated, nor without forward secrecy', async () => {
    harness.update({}, pairs);
    for (const ciphers of ['ECDHE-ECDSA-AES128-SHA256', 'AES128-GCM-SHA256', 'DHE-RSA-AES128-GCM-SHA256'])
      assert.match(
        String((await harness.meet({ maxVersion: 'TLSv1.2', ciphers })).alert),
        /HANDSHAKE_FAILURE/,
        ciphers,
      );
  });

  test('has the post-quantum group that browsers send', async () => {
    harness.update({}, pairs);
    assert.equal((await harness.meet({ ecdhCurve: 'X25519MLKEM768' })).protocol, 'TLSv1.3');
  });
});

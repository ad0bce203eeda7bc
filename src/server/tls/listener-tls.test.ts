import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import type { CertificatePair } from './certificate-table.ts';
import { httpsListener, TlsHarness } from './listener-tls.support.ts';
import { ListenerTls } from './listener-tls.ts';
import { WorkerTls } from './worker-tls.ts';

const ALL = ['first', 'wild', 'exact', 'other'];

suite('the certificates of a listener', () => {
  const pairs: Record<string, CertificatePair> = {};
  let authority: TestAuthority;
  let harness: TlsHarness;
  before(async () => {
    authority = await TestAuthority.make();
    for (const [name, hosts] of [
      ['first', ['first.example']],
      ['exact', ['api.shop.example', 'Mixed.Example']],
      ['wild', ['*.shop.example', '*.single']],
      ['other', ['other.example', '192.0.2.1']],
      ['again', ['first.example']],
      ['challenge', ['proved.example']],
      ['nameless', []],
    ] as const)
      pairs[name] = await authority.issue(name, hosts);
    harness = await TlsHarness.listen({ certificates: ALL }, pairs);
  });
  after(() => harness.close());

  const long = `${'a'.repeat(60)}.`.repeat(5);
  for (const [servername, name, because] of [
    ['api.shop.example', 'exact', 'an exact name comes before a wildcard, whatever their order'],
    ['API.Shop.Example', 'exact', 'names have no case'],
    ['mixed.example', 'exact', 'those of certificates neither'],
    ['www.shop.example', 'wild', 'a wildcard is for one label'],
    ['a.b.shop.example', 'first', 'not for two'],
    ['shop.example', 'first', 'nor for none'],
    ['*.shop.example', 'first', 'nor for itself'],
    ['other.example', 'other', 'further certificates are found'],
    ['other.example.', 'other', 'a last dot is no part of the name'],
    ['unknown.example', 'first', 'the first is for names that nobody has'],
    [`${long}example`, 'first', 'and for those that are no names'],
    ['constructor', 'first', 'whatever they are'],
    ['', 'first', 'and for clients that name none'],
  ] as const) {
    test(`${servername.slice(0, 30) || 'no name'} gets ${name}: ${because}`, async () => {
      assert.equal((await harness.meet({ servername })).name, name);
    });
  }

  test('are all that there are, in their order, where none are named', async () => {
    harness.update({}, pairs);
    try {
      assert.equal((await harness.meet({ servername: 'other.example' })).name, 'other');
      assert.equal((await harness.meet({ servername: 'unknown.example' })).name, Object.keys(pairs)[0]);
    } finally {
      harness.update({ certificates: ALL }, pairs);
    }
  });

  test('of two for one name and one kind of key, the first is taken', async () => {
    for (const [names, taken] of [
      [['again', 'first'], 'again'],
      [['first', 'again'], 'first'],
    ] as const) {
      harness.update({ certificates: names }, pairs);
      assert.equal((await harness.meet({ servername: 'first.example' })).name, taken);
    }
    harness.update({ certificates: ALL }, pairs);
  });

  test('without a name are the fallback all the same', async () => {
    harness.update({ certificates: ['nameless', 'first'] }, pairs);
    try {
      assert.equal((await harness.meet({ servername: 'unknown.example' })).name, 'nameless');
      assert.equal((await harness.meet({ servername: 'first.example' })).name, 'first');
    } finally {
      harness.update({ certificates: ALL }, pairs);
    }
  });

  test('are not shown to clients that ask for another name, where these are refused', async () => {
    harness.update({ certificates: ALL, unknownNames: 'refuse' }, pairs);
    try {
      const alert = 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME';
      assert.deepEqual(await harness.meet({ servername: 'unknown.example' }), { alert });
      assert.deepEqual(await harness.meet(), { alert });
      assert.equal((await harness.meet({ servername: 'first.example' })).name, 'first');
      // Longer than what is read of a hello: who pads it does not get to see a certificate either.
      const ALPNProtocols = ['http/1.1', ...Array.from({ length: 140 }, () => 'x'.repeat(250))];
      assert.deepEqual(await harness.meet({ servername: 'unknown.example', ALPNProtocols }), { alert });
    } finally {
      harness.update({ certificates: ALL }, pairs);
    }
  });

  test('that nobody vouches for come after a wildcard, and before nothing', async () => {
    const standIn = { ...(pairs['exact'] as CertificatePair), isStandIn: true as const };
    const name = async (servername: string) => (await harness.meet({ servername })).name;
    harness.update({}, { standIn, first: pairs['first'] as CertificatePair });
    assert.equal(await name('api.shop.example'), 'exact');
    harness.update({}, { standIn, wild: pairs['wild'] as CertificatePair });
    assert.equal(await name('api.shop.example'), 'wild');
    harness.update({}, { standIn, wild: { ...(pairs['wild'] as CertificatePair), isStandIn: true } });
    assert.equal(await name('api.shop.example'), 'exact', 'of two of them the exact one');
    const issued = await authority.issue('issued', ['api.shop.example']);
    harness.update({}, { standIn, issued, wild: pairs['wild'] as CertificatePair });
    assert.equal(await name('api.shop.example'), 'issued');
    harness.update({ certificates: ALL }, pairs);
  });

  test('may be none: then every handshake is refused', async () => {
    harness.update({}, {});
    try {
      assert.deepEqual(await harness.meet({ servername: 'first.example' }), {
        alert: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
      });
    } finally {
      harness.update({ certificates: ALL }, pairs);
    }
  });

  test('that do not exist are refused by name', () => {
    assert.throws(
      () =>
        new ListenerTls(httpsListener({ certificates: ['first', 'lost'] }), pairs, new WorkerTls(), () => {}),
      { message: 'the certificate lost does not exist' },
    );
  });

  test('that belong to another key, or are none, are refused', () => {
    const mixed = { cert: pairs['first']?.cert ?? '', key: pairs['exact']?.key ?? '' };
    const made = (certificates: Record<string, CertificatePair>) => () =>
      new ListenerTls(httpsListener({}), certificates, new WorkerTls(), () => {});
    assert.throws(made({ mixed }), { code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' });
    assert.throws(made({ none: { cert: 'x', key: 'y' } }));
  });

  test('that demand an OCSP response wait for the first one, and for five seconds at most', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const authorityOfIt = await TestAuthority.make();
    const demanding = await authorityOfIt.issue('demanding', ['staple.example'], { mustStaple: true });
    const fingerprint = new X509Certificate(demanding.cert).fingerprint256;
    const stapled = await TlsHarness.listen(
      { stapling: true },
      { demanding, first: pairs['first'] as CertificatePair },
    );
    /** Resolves once the handshake is done, with the response that came with it. */
    const meet = (requestOCSP: boolean, servername = 'staple.example') => {
      const client = stapled.connect({ servername, requestOCSP });
      let response: Buffer | undefined;
      client.on('OCSPResponse', (found: Buffer) => {
        response = found;
      });
      return once(client, 'secureConnect').then(() => {
        client.destroy();
        return response?.toString();
      });
    };
    try {
      let isMet = false;
      const first = meet(true).finally(() => {
        isMet = true;
      });
      // These do not wait: the one does not ask for a response, and the other's certificate does not demand it.
      assert.equal(await meet(false), undefined);
      assert.equal(await meet(true, 'first.example'), undefined);
      t.mock.timers.tick(4999);
      assert.equal(await meet(false), undefined);
      assert.equal(isMet, false);
      stapled.worker.receive({ kind: 'staples', staples: new Map([[fingerprint, Buffer.from('good')]]) });
      assert.equal(await first, 'good');
      assert.equal(await meet(true), 'good');
      // Once there was one, nobody waits any more.
      stapled.worker.receive({ kind: 'staples', staples: new Map() });
      assert.equal(await meet(true), undefined);

      stapled.update({ stapling: true, strictHost: true }, { demanding });
      const late = meet(true);
      assert.equal(await meet(false), undefined);
      t.mock.timers.tick(5000);
      assert.equal(await late, undefined);
      assert.equal(await meet(true), undefined);
    } finally {
      await stapled.close();
    }
  });

  test('of a challenge are for clients that offer acme-tls/1 and nothing else', async () => {
    harness.worker.setChallenges(new Map([['first.example', pairs['challenge'] as CertificatePair]]));
    const offer = (...ALPNProtocols: string[]) =>
      harness.meet({ servername: 'first.example', ALPNProtocols });
    try {
      const proved = await offer('acme-tls/1');
      assert.deepEqual([proved.name, proved.alpn], ['challenge', 'acme-tls/1']);
      assert.equal((await offer('acme-tls/1', 'http/1.1')).name, 'first');
      assert.equal((await offer('http/1.1')).name, 'first');
    } finally {
      harness.worker.setChallenges(new Map());
    }
    assert.deepEqual(await offer('acme-tls/1'), { alert: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' });
  });

  for (const [offered, alpn] of [
    [['h2', 'http/1.1'], 'http/1.1'],
    [['http/1.1'], 'http/1.1'],
    [[], false],
  ] as const) {
    test(`with ALPN ${JSON.stringify(offered)} the protocol is ${alpn}`, async () => {
      assert.equal((await harness.meet({ ALPNProtocols: [...offered] })).alpn, alpn);
    });
  }

  test('a client that offers h2 alone is told that there is no such protocol', async () => {
    assert.deepEqual(await harness.meet({ ALPNProtocols: ['h2'] }), {
      alert: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    });
  });
});

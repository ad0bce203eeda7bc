import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { before, suite, test } from 'node:test';
import * as tls from 'node:tls';
import { TestAuthority } from '../../test/support/certificates.ts';
import { type ListenerConfig, listenerSchema } from './schema.ts';
import { Identities, identitiesOf, secureOptions } from './tls.ts';

type Pair = Readonly<{ cert: string; key: string }>;

const listener = (certificates: readonly string[], minVersion: '1.2' | '1.3' = '1.2'): ListenerConfig =>
  listenerSchema.parse({ port: 0, protocol: 'https', tls: { certificates, minVersion } });

suite('the certificates of a listener', () => {
  let pairs: Record<string, Pair> = {};
  let authority: TestAuthority;
  before(async () => {
    authority = await TestAuthority.make();
    pairs = {
      first: await authority.issue('first', ['first.example']),
      exact: await authority.issue('exact', ['api.shop.example', 'Mixed.Example']),
      wild: await authority.issue('wild', ['*.shop.example', '*.single']),
      other: await authority.issue('other', ['other.example', '192.0.2.1']),
      nameless: await authority.issue('nameless'),
    };
  });

  /** The name of the certificate that a client gets who asks for this server. */
  async function presented(names: readonly string[], servername: string): Promise<string> {
    const identities = new Identities(listener(names), pairs);
    const server = tls.createServer({
      ...identities.fallback,
      SNICallback: (name, done) => done(null, identities.contextFor(name)),
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    try {
      await once(client, 'secureConnect');
      return String(client.getPeerCertificate().subject.CN);
    } finally {
      client.destroy();
      server.close();
      await once(server, 'close');
    }
  }

  const ALL = ['first', 'wild', 'exact', 'other'];
  for (const [servername, name, because] of [
    ['api.shop.example', 'exact', 'an exact name comes before a wildcard, whatever their order'],
    ['API.Shop.Example', 'exact', 'names have no case'],
    ['mixed.example', 'exact', 'those of certificates neither'],
    ['www.shop.example', 'wild', 'a wildcard is for one label'],
    ['a.b.shop.example', 'first', 'not for two'],
    ['shop.example', 'first', 'nor for none'],
    ['other.example', 'other', 'further certificates are found'],
    ['unknown.example', 'first', 'the first is for names that nobody has'],
    ['', 'first', 'and for clients that name none'],
  ] as const) {
    test(`${servername || 'no name'} gets ${name}: ${because}`, async () => {
      assert.equal(await presented(ALL, servername), name);
    });
  }

  test('the first is the fallback, whatever it is for', async () => {
    assert.equal(await presented(['nameless', 'first'], 'unknown.example'), 'nameless');
    assert.equal(await presented(['nameless', 'first'], 'first.example'), 'first');
  });

  test('of two for one name the first is taken', async () => {
    const again = await authority.issue('again', ['first.example']);
    pairs = { ...pairs, again };
    assert.equal(await presented(['again', 'first'], 'first.example'), 'again');
    assert.equal(await presented(['first', 'again'], 'first.example'), 'first');
  });

  test('that does not exist is refused by name', () => {
    assert.throws(() => new Identities(listener(['first', 'lost']), pairs), {
      message: 'the certificate lost does not exist',
    });
  });

  test('that belongs to another key, or is none, is refused', () => {
    const mixed = { cert: pairs['first']?.cert ?? '', key: pairs['exact']?.key ?? '' };
    assert.throws(() => identitiesOf(listener(['mixed']), { mixed }), {
      code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
    });
    assert.throws(() => identitiesOf(listener(['none']), { none: { cert: 'x', key: 'y' } }));
  });

  test('are needed', () => {
    assert.throws(() => identitiesOf(listenerSchema.parse({ port: 0, protocol: 'https' }), pairs), {
      message: 'an https listener needs a certificate',
    });
  });
});

suite('the oldest TLS that is spoken', () => {
  for (const [written, version] of [
    ['1.2', 'TLSv1.2'],
    ['1.3', 'TLSv1.3'],
  ] as const) {
    test(`is ${version} for ${written}`, () => {
      assert.deepEqual(secureOptions(listener(['a'], written)), { minVersion: version });
    });
  }
});

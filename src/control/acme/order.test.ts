import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import * as tls from 'node:tls';
import { Pebble } from '../../../test/support/pebble.ts';
import { systemTimers } from '../../lib/timers.ts';
import { AccountKey } from './account-key.ts';
import { makeChallengeAnswer, makeRequest } from './certificate-maker.ts';
import { type Account, AcmeClient } from './client.ts';
import { type Challenge, type OrderRequest, orderCertificate } from './order.ts';
import { AcmeTransport } from './transport.ts';

const HOSTS = ['shop.example.com', 'www.shop.example.com'];
/** The server takes a proof for good now and then: this one nobody gives. */
const UNPROVEN = 'unproven.example.com';

const NEVER = new AbortController().signal;

suite('an order at a real ACME server', () => {
  const answers = new Map<string, string>();
  const contexts = new Map<string, tls.SecureContext>();
  let plain: Server;
  let secure: tls.Server;
  let pebble: Pebble;
  let transport: AcmeTransport;
  let client: AcmeClient;
  let account: Account;

  before(async () => {
    plain = createServer((request, response) => {
      const answer = answers.get(request.url ?? '');
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    secure = tls.createServer({
      ALPNProtocols: ['acme-tls/1'],
      SNICallback: (name, done) => done(null, contexts.get(name)),
    });
    for (const server of [plain, secure]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    pebble = await Pebble.start({
      httpPort: (plain.address() as AddressInfo).port,
      tlsPort: (secure.address() as AddressInfo).port,
      hosts: [...HOSTS, UNPROVEN],
      refusedNonces: 30,
    });
    transport = new AcmeTransport(pebble.ca, 'portcullis/test');
    client = new AcmeClient(pebble.directory, transport);
    const key = await AccountKey.make();
    account = {
      key,
      url: await client.register({ key, email: 'ops@example.com', externalAccount: undefined }),
    };
  });

  after(async () => {
    transport.close();
    await pebble[Symbol.asyncDispose]();
    for (const server of [plain, secure]) {
      server.close();
      await once(server, 'close');
    }
  });

  async function publish(challenges: readonly Challenge[]): Promise<void> {
    for (const { type, host, token, keyAuthorization } of challenges) {
      if (type === 'http-01') answers.set(`/.well-known/acme-challenge/${token}`, keyAuthorization);
      else
        contexts.set(
          host,
          tls.createSecureContext(await makeChallengeAnswer(host, keyAuthorization, Date.now())),
        );
    }
  }

  const order = (part: Partial<OrderRequest> & { readonly keyType?: 'rsa' }) =>
    orderCertificate(
      {
        hosts: HOSTS,
        challenge: 'http-01',
        replaces: undefined,
        makeRequest: () => makeRequest(part.hosts ?? HOSTS, part.keyType ?? 'ecdsa'),
        publish,
        ...part,
      },
      { client, account, timers: systemTimers, nowMs: Date.now, signal: NEVER },
    );

  for (const [what, part, type, bits] of [
    ['by http-01 with an ECDSA key', {}, 'ec', undefined],
    ['by http-01 with an RSA key', { keyType: 'rsa' }, 'rsa', 2048],
    ['by tls-alpn-01', { challenge: 'tls-alpn-01' }, 'ec', undefined],
  ] as const) {
    test(`${what} brings a certificate for all of its hosts`, async () => {
      const { cert } = await order(part);
      const leaf = new X509Certificate(cert);
      assert.deepEqual(
        HOSTS.map((host) => leaf.checkHost(host, { subject: 'never' })),
        HOSTS,
      );
      assert.equal(leaf.publicKey.asymmetricKeyType, type);
      assert.equal(leaf.publicKey.asymmetricKeyDetails?.modulusLength, bits);
      assert.ok((cert.match(/BEGIN CERTIFICATE/g) ?? []).length > 1, 'the chain comes with it');
    });
  }

  test('went on although every third nonce was refused: the same was sent again', () => {
    const orders = pebble.count('Added order');
    assert.ok(pebble.count('POST ') > pebble.count('There are now') + 8 * orders, pebble.log.join('\n'));
  });

  test('of a host whose challenge is answered wrongly fails with what the server says', async () => {
    const wrong = order({
      hosts: [UNPROVEN],
      publish: (challenges) =>
        publish(challenges.map((challenge) => ({ ...challenge, keyAuthorization: 'something else' }))),
    });
    await assert.rejects(wrong, {
      name: 'AcmeProblem',
      type: 'unauthorized',
      status: 403,
      message:
        /^unproven\.example\.com: The key authorization file from the server did not match this challenge .*\(unauthorized\)$/,
    });
  });

  test('of a host that does not exist fails with what the server says', async () => {
    await assert.rejects(order({ hosts: ['nowhere.example.com'] }), {
      name: 'AcmeProblem',
      type: 'connection',
      message: /^nowhere\.example\.com: .*could not resolve.*\(connection\)$/,
    });
  });

  test('of an account that is gone fails as such', async () => {
    const lost = { ...account, url: `${account.url}0` };
    await assert.rejects(client.order(lost, HOSTS), { name: 'AcmeProblem', type: 'accountDoesNotExist' });
  });

  test('an account is found again by its key', async () => {
    const key = await AccountKey.read(account.key.pem);
    assert.equal(await client.register({ key, email: undefined, externalAccount: undefined }), account.url);
  });
});

test('a server of another authority than the one given is not spoken to', async () => {
  await using pebble = await Pebble.start({ httpPort: 1, tlsPort: 1, hosts: [] });
  const transport = new AcmeTransport(undefined, 'portcullis/test');
  const client = new AcmeClient(pebble.directory, transport);
  const key = await AccountKey.make();
  await assert.rejects(client.register({ key, email: undefined, externalAccount: undefined }), {
    name: 'AcmeProblem',
    type: 'unreachable',
    message: /^the ACME server cannot be reached: .*certificate/,
  });
  transport.close();
});

suite('an authority that wants an account of its own', () => {
  const hmacKey = Buffer.from('a key that the authority gave, long enough').toString('base64url');
  const externalAccounts = { 'kid-1': hmacKey };
  for (const [what, externalAccount, problem] of [
    ['takes its key', { keyId: 'kid-1', hmacKey }, undefined],
    ['refuses a new account without one', undefined, 'externalAccountRequired'],
    [
      'refuses another key',
      { keyId: 'kid-1', hmacKey: 'bm90IGl0LCBidXQgb2YgdGhlIHNhbWUgbGVuZ3Ro' },
      'unauthorized',
    ],
  ] as const) {
    test(what, async () => {
      await using pebble = await Pebble.start({ httpPort: 1, tlsPort: 1, hosts: [], externalAccounts });
      const transport = new AcmeTransport(pebble.ca, 'portcullis/test');
      const client = new AcmeClient(pebble.directory, transport);
      const registered = client.register({ key: await AccountKey.make(), email: undefined, externalAccount });
      if (problem === undefined) assert.match(await registered, /^https:\/\/localhost:\d+\//);
      else await assert.rejects(registered, { name: 'AcmeProblem', type: problem });
      transport.close();
    });
  }
});

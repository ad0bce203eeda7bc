import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, suite, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { certificateBlocks } from '../../lib/pem.ts';
import { certificateFaults } from './check-certificate.ts';
import { describeCertificate } from './describe.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2030-01-02T03:04:05Z');
const START = new Date(NOW - 10 * DAY);
const END = new Date(NOW + 10 * DAY);
const LIFE = { notBefore: START, notAfter: END };

suite('A certificate for listeners', () => {
  let root: TestAuthority;
  let middle: TestAuthority;
  let below: string;
  const made: Record<string, string> = {};
  before(async () => {
    root = await TestAuthority.make('root');
    middle = await root.issueAuthority('middle');
    const issue = async (...given: Parameters<TestAuthority['issue']>) => (await root.issue(...given)).cert;
    below = (await middle.issue('below', ['a.example'], LIFE)).cert;
    made['good'] = await issue('good', ['a.example', '*.shop.example', '2001:db8::1'], LIFE);
    made['over'] = await issue('over', ['a.example'], { notBefore: START, notAfter: new Date(NOW - DAY) });
    made['early'] = await issue('early', ['a.example'], { notBefore: new Date(NOW + DAY), notAfter: END });
    made['weak key'] = await issue('weak', ['a.example'], { ...LIFE, rsaBits: 1024 });
    made['must staple'] = await issue('m', ['a.example'], { ...LIFE, mustStaple: true });
    made['client'] = await issue('client', [], LIFE);
    made['public'] = await issue('public', ['a.example'], { ...LIFE, caIssuers: 'http://ca.example/1.crt' });
    const forged = await TestAuthority.make('forged', 'SHA-1');
    made['weak signature'] = (await forged.issue('weak', ['a.example'], LIFE)).cert;
  });

  function faults(pem: string, { hosts = [] as readonly unknown[], isInForce = false } = {}): string[] {
    const chain = certificateBlocks(pem).map((block) => new X509Certificate(block));
    const question = {
      chain: chain as [X509Certificate, ...X509Certificate[]],
      hosts,
      nowMs: NOW,
      isInForce,
    };
    return certificateFaults(question).map(
      ({ severity, at, message }) => `${severity} ${at.join('.')}: ${message}`,
    );
  }

  for (const [name, expected] of [
    ['good', []],
    ['over', ['error cert: the certificate is over since 2030-01-01T03:04:05.000Z']],
    ['early', ['warning cert: the certificate begins only at 2030-01-03T03:04:05.000Z']],
    ['weak key', ['error cert: the key of the certificate is weak: RSA 1024, where 2048 bits are the least']],
    ['weak signature', ['error cert: the certificate number 1 is signed with SHA-1, which can be forged']],
    [
      'client',
      ['warning cert: the certificate is not for servers (extended key usage), so that clients refuse it'],
    ],
    [
      'public',
      [
        'warning cert: the chain ends with the certificate itself: what signed it (http://ca.example/1.crt) has to follow, or clients that do not know it refuse the certificate',
      ],
    ],
  ] as const) {
    test(`that is ${name}: ${expected.length === 0 ? 'nothing is wrong' : 'is told'}`, () =>
      assert.deepEqual(faults(made[name] ?? ''), expected));
  }

  test('that ended while it was in force is a warning: the gateway has other work', () =>
    assert.deepEqual(faults(made['over'] ?? '', { isInForce: true }), [
      'warning cert: the certificate is over since 2030-01-01T03:04:05.000Z',
    ]));

  test('has to be for its hosts', () => {
    const hosts = ['a.example', 'A.Example', 'x.shop.example', '2001:db8::1', 7];
    assert.deepEqual(faults(made['good'] ?? '', { hosts }), []);
    assert.deepEqual(
      faults(made['good'] ?? '', { hosts: ['a.example', 'shop.example', 'x.y.shop.example'] }),
      [
        'error hosts.1: the certificate is not for shop.example: it is for a.example, *.shop.example, 2001:db8::1',
        'error hosts.2: the certificate is not for x.y.shop.example: it is for a.example, *.shop.example, 2001:db8::1',
      ],
    );
    assert.deepEqual(faults(made['client'] ?? '', { hosts: ['client'] }).slice(1), [
      'error hosts.0: the certificate is not for client: it has no alternative names',
    ]);
  });

  test('has its chain in order', () => {
    assert.deepEqual(faults(below + middle.cert), []);
    assert.deepEqual(faults(below + middle.cert + root.cert), []);
    assert.deepEqual(faults(below + root.cert + middle.cert), [
      'error cert: the chain is out of order: the certificate number 2 did not sign number 1; number 3 did',
    ]);
    assert.deepEqual(faults(below + root.cert), [
      'error cert: the chain is out of order: the certificate number 2 did not sign number 1, nor did any other in it',
    ]);
  });

  test('is described for lists', () => {
    const { fingerprint, serialNumber, ...description } = describeCertificate(below + middle.cert) ?? {
      fingerprint: '',
      serialNumber: '',
    };
    assert.match(fingerprint, /^[0-9a-f]{64}$/);
    assert.match(serialNumber, /^[0-9a-f]{2,40}$/);
    assert.deepEqual(description, {
      subject: 'CN=below',
      hosts: ['a.example'],
      issuer: 'CN=middle',
      validFrom: START.toISOString(),
      validTo: END.toISOString(),
      keyType: 'ECDSA P-256',
      chainLength: 2,
      mustStaple: false,
    });
    assert.equal(describeCertificate(made['must staple'] ?? '')?.mustStaple, true);
    assert.equal(describeCertificate('nothing'), undefined);
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { type Pair, TestAuthority } from '../../../../test/support/certificates.ts';
import { derMembers } from '../../../lib/der.ts';
import { TlsHarness } from '../../../server/tls/listener-tls.support.ts';
import { certificateId, checkResponse, ocspRequest } from './message.ts';
import { Responder } from './responder.support.ts';
import { Stapler } from './stapler.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** What OpenSSL's client says of a handshake in which it asks for the OCSP response. */
async function clientOutput(port: number, servername: string): Promise<string> {
  const child = spawn(
    'openssl',
    ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', servername, '-status'],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  );
  let text = '';
  for await (const piece of child.stdout as AsyncIterable<Buffer>) {
    text += piece.toString();
    if (/^---$/m.test(text)) child.stdin.end('Q\n');
  }
  return text;
}

suite('OCSP responses', () => {
  let authority: TestAuthority;
  let responder: Responder;
  let good: Pair;
  let revoked: Pair;
  let unknown: Pair;
  const chain = ({ cert }: Pair) => cert + authority.cert;
  const nameOf = ({ cert }: Pair) => new X509Certificate(cert).fingerprint256;

  before(async () => {
    authority = await TestAuthority.make();
    const port = await freePort();
    const ocsp = `http://127.0.0.1:${port}/`;
    good = await authority.issue('good', ['good.example'], { ocsp });
    revoked = await authority.issue('revoked', ['revoked.example'], { ocsp });
    unknown = await authority.issue('unknown', ['unknown.example'], { ocsp });
    responder = await Responder.start(
      authority,
      [
        [good.cert, 'V'],
        [revoked.cert, 'R'],
      ],
      port,
    );
  });
  after(() => responder.close());

  /** Until it has heard of each certificate. */
  async function heard(pairs: Readonly<Record<string, string>>) {
    const log: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const expected = Object.keys(pairs).length;
    let told = -1;
    const stapler = new Stapler({
      publish: () => ++told === expected && resolve(),
      log: (level, message) => log.push(`${level} ${message}`),
      nowMs: Date.now,
      random: () => 0.5,
    });
    stapler.configure(Object.entries(pairs));
    await promise;
    stapler.close();
    return { log: log.sort(), failures: stapler.failures };
  }

  test('come from the responder that a certificate names, and go with it in the handshake', async () => {
    const published = Promise.withResolvers<ReadonlyMap<string, Uint8Array>>();
    const stapler = new Stapler({
      publish: (staples) => staples.size > 0 && published.resolve(staples),
      log: (_level, message) => published.reject(new Error(message)),
      nowMs: Date.now,
      random: () => 0.5,
    });
    stapler.configure([['good', chain(good)]]);
    const staples = await published.promise;
    assert.deepEqual([...staples.keys()], [nameOf(good)]);
    const harness = await TlsHarness.listen({ stapling: true }, { good, revoked });
    try {
      assert.match(await clientOutput(harness.port, 'good.example'), /OCSP response: no response sent/);
      harness.worker.receive({ kind: 'staples', staples });
      assert.match(await clientOutput(harness.port, 'good.example'), /Cert Status: good/);
      assert.match(await clientOutput(harness.port, 'revoked.example'), /OCSP response: no response sent/);
      harness.update({}, { good, revoked });
      assert.match(await clientOutput(harness.port, 'good.example'), /OCSP response: no response sent/);
    } finally {
      await harness.close();
      stapler.close();
    }
  });

  test('that say anything but good are told in the log, and nothing goes with the certificate', async () => {
    const foreign = await (await TestAuthority.make()).issue('foreign', ['f.example'], {
      ocsp: 'http://127.0.0.1:9/',
    });
    const { log, failures } = await heard({ revoked: chain(revoked), unknown: chain(unknown) });
    assert.deepEqual(log, [
      'warn certificate revoked: no OCSP response: the certificate is revoked',
      'warn certificate unknown: no OCSP response: the responder does not know the certificate',
    ]);
    assert.equal(failures, 2);
    const lines: string[] = [];
    const stapler = new Stapler({
      publish: () => {},
      log: (_level, message) => lines.push(message),
      nowMs: Date.now,
      random: () => 0.5,
    });
    stapler.configure([['foreign', foreign.cert + authority.cert]]);
    assert.deepEqual(lines, ['certificate foreign: no OCSP, since the chain does not have its issuer']);
    stapler.close();
  });

  suite('are looked at before they are passed on', () => {
    let response: Buffer;
    let leaf: X509Certificate;
    let issuer: X509Certificate;
    before(async () => {
      leaf = new X509Certificate(good.cert);
      issuer = new X509Certificate(authority.cert);
      const answer = await fetch(`http://127.0.0.1:${responder.port}/`, {
        method: 'POST',
        headers: { 'content-type': 'application/ocsp-request' },
        body: new Uint8Array(ocspRequest(certificateId(leaf, issuer))),
      });
      response = Buffer.from(await answer.arrayBuffer());
    });
    const check = (data: Buffer, at = Date.now(), of = leaf, by = issuer) =>
      checkResponse(data, certificateId(of, issuer), by, at);

    test('good is one that is fresh, signed and for the certificate', () => {
      const outcome = check(response);
      assert.equal(outcome.kind, 'good');
      assert.ok(outcome.kind === 'good' && outcome.nextUpdateMs - outcome.thisUpdateMs === 3_600_000);
    });

    const refused = (reason: string) => ({ kind: 'refused', reason });
    test('others are refused with the reason', async () => {
      const other = new X509Certificate((await TestAuthority.make()).cert);
      assert.deepEqual(check(response, Date.now() + 2 * 3_600_000), refused('the response is over'));
      assert.deepEqual(check(response, Date.now() - 3_600_000), refused('the response is of a time to come'));
      assert.deepEqual(
        check(response, Date.now(), new X509Certificate(unknown.cert)),
        refused('the response is for another certificate'),
      );
      assert.deepEqual(
        check(response, Date.now(), leaf, other),
        refused('the signature is not that of the issuer, nor of a responder that it names'),
      );
      assert.deepEqual(check(Buffer.from('<html>')), refused('what came is no OCSP response'));
      assert.deepEqual(check(Buffer.from('30030a0106', 'hex')), refused('the responder says no: status 6'));
    });

    test('whatever octet of one is changed, it is not good', () => {
      // What is signed begins with the version or the responder's name, behind tags and lengths that frame it.
      const bytes = derMembers(response)?.[1]?.content;
      const basic = bytes === undefined ? undefined : derMembers(bytes)?.[1]?.content;
      const signed = basic === undefined ? undefined : derMembers(basic)?.[0]?.whole;
      assert.ok(signed !== undefined);
      const start = response.indexOf(signed);
      for (let at = start; at < start + signed.length; at++) {
        const changed = Buffer.from(response);
        changed[at] = (changed[at] ?? 0) ^ 0x55;
        assert.equal(check(changed).kind, 'refused', `octet ${at}`);
      }
    });
  });
});

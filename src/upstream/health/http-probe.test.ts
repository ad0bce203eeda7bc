import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { type Pair, TestAuthority } from '../../../test/support/certificates.ts';
import { answer, type Script, ScriptedUpstream } from '../../../test/support/scripted-upstream.ts';
import { httpProbe, MAX_BODY_BYTES, type ProbedService } from './http-probe.ts';
import type { CheckOutcome, Probe } from './probe.ts';
import { activeHealthSchema, type HttpCheckSettings } from './schema.ts';

type Options = Record<string, unknown>;

function probeOf(url: string, options: Options = {}, service: ProbedService = { host: 'preserve' }): Probe {
  return httpProbe(activeHealthSchema.parse({ ...options, type: 'http' }) as HttpCheckSettings, service)(url);
}

/** `passed`, or the cause of the failure. */
async function outcomeOf(probe: Probe): Promise<string> {
  const outcome = await new Promise<CheckOutcome>((resolve) => probe(resolve));
  return outcome.passed ? 'passed' : outcome.cause;
}

/** Sends an answer to whoever asks. */
function answering(text: string): Script {
  return async (connection) => {
    await connection.head();
    await connection.send(text);
  };
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

suite('what an HTTP check makes of an answer', () => {
  const OK_HEAD = 'HTTP/1.1 200 OK\r\n';
  for (const [title, options, text, outcome] of [
    ['200 passes', {}, answer(200), 'passed'],
    ['204 passes', {}, 'HTTP/1.1 204 No Content\r\n\r\n', 'passed'],
    ['500 fails', {}, answer(500), 'status 500'],
    ['a redirect is not followed', {}, answer(302, '', { location: '/' }), 'status 302'],
    ['a status that is listed passes', { status: [302, '5xx'] }, answer(503), 'passed'],
    ['a status that is not listed fails', { status: [204] }, answer(200), 'status 200'],
    ['an interim answer is waited through', {}, `HTTP/1.1 103 Early Hints\r\n\r\n${answer(200)}`, 'passed'],
    ['a text that is there passes', { body: '"UP"' }, answer(200, '{"status":"UP"}'), 'passed'],
    [
      'a text that is not there fails',
      { body: '"UP"' },
      answer(200, 'DOWN'),
      'the text is not in the answer',
    ],
    [
      'the text of a chunked answer is that of its chunks together',
      { body: 'ready' },
      `${OK_HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nre\r\n3\r\nady\r\n0\r\n\r\n`,
      'passed',
    ],
    [
      'an answer whose text is too far away fails',
      { body: 'ready' },
      answer(200, `${'.'.repeat(MAX_BODY_BYTES)}ready`),
      'the text is not in the first 64 KiB of the answer',
    ],
    [
      'an answer without end passes once the text is there',
      { body: 'ready' },
      `${OK_HEAD}Content-Length: 1000000\r\n\r\nready`,
      'passed',
    ],
    ['an answer without end passes by its status', {}, `${OK_HEAD}Content-Length: 1000000\r\n\r\n`, 'passed'],
    ['what is not HTTP fails', {}, 'SSH-2.0-OpenSSH_9.2\r\n', 'Parse Error: Expected HTTP/, RTSP/ or ICE/'],
    [
      'a head that is too large fails',
      {},
      `${OK_HEAD}X: ${'.'.repeat(32 * 1024)}\r\n\r\n`,
      'Parse Error: Header overflow',
    ],
    [
      'a switch of protocols that nobody asked for fails',
      {},
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'the connection closed before the answer',
    ],
  ] as const) {
    test(title, async () => {
      await using upstream = await ScriptedUpstream.start(answering(text));
      assert.equal(await outcomeOf(probeOf(upstream.url, options)), outcome);
      await (await upstream.connection(0)).untilEnded();
    });
  }

  test('a server that closes without a word fails', async () => {
    await using upstream = await ScriptedUpstream.start((connection) => connection.halfClose());
    assert.equal(await outcomeOf(probeOf(upstream.url)), 'ECONNRESET');
  });

  test('a server that resets the connection fails', async () => {
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      await connection.head();
      connection.reset();
    });
    assert.equal(await outcomeOf(probeOf(upstream.url)), 'ECONNRESET');
  });

  test('a head that breaks off fails', async () => {
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 200 OK\r\nContent-');
      connection.halfClose();
    });
    assert.equal(await outcomeOf(probeOf(upstream.url)), 'ECONNRESET');
  });

  test('a body that breaks off before the text fails', async () => {
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nrea');
      connection.halfClose();
    });
    assert.equal(
      await outcomeOf(probeOf(upstream.url, { body: 'ready' })),
      'the connection closed within the answer',
    );
  });

  test('a port where nobody listens fails', async () => {
    assert.equal(await outcomeOf(probeOf(`http://127.0.0.1:${await closedPort()}`)), 'ECONNREFUSED');
  });
});

suite('an HTTP check that is given up', () => {
  for (const [title, text] of [
    ['before an answer', ''],
    ['in the middle of a head that comes letter by letter', 'HTTP/1.1 2'],
    ['in the middle of a body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1'],
  ] as const) {
    test(`${title} tells nothing and leaves no connection`, async () => {
      await using upstream = await ScriptedUpstream.start(answering(text));
      const outcomes: CheckOutcome[] = [];
      const giveUp = probeOf(upstream.url, { body: 'never' })((outcome) => outcomes.push(outcome));
      const connection = await upstream.connection(0);
      await connection.head();
      giveUp();
      await connection.untilEnded();
      assert.deepEqual(outcomes, []);
    });
  }
});

suite('what an HTTP check asks', () => {
  async function askedWith(options: Options, host = 'preserve'): Promise<string> {
    let head = '';
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      head = await connection.head();
      await connection.send(answer(200));
    });
    await outcomeOf(probeOf(upstream.url, options, { host }));
    return head.replaceAll(String(upstream.port), 'PORT').replaceAll('\r\n', '\n');
  }

  test('is a GET of its path, under the name of the target, on a connection of its own', async () => {
    assert.equal(
      await askedWith({ path: '/healthz?deep=1' }),
      'GET /healthz?deep=1 HTTP/1.1\nuser-agent: portcullis-health-check\nhost: 127.0.0.1:PORT\nConnection: close',
    );
  });

  test('has the fields that were given', async () => {
    assert.equal(
      await askedWith({ method: 'HEAD', headers: { accept: 'text/plain', 'user-agent': 'mine' } }),
      'HEAD / HTTP/1.1\nuser-agent: mine\naccept: text/plain\nhost: 127.0.0.1:PORT\nConnection: close',
    );
  });

  test('has no body, which a POST says', async () => {
    assert.match(await askedWith({ method: 'POST' }), /^POST \/ HTTP\/1\.1\n(?:.+\n)+Content-Length: 0$/m);
  });

  for (const [title, options, host, expected] of [
    ['the fixed host of the service', {}, 'orders.internal', 'orders.internal'],
    ['the host of the target', {}, 'target', '127.0.0.1:PORT'],
    ['the host of the check before all', { host: 'health.internal' }, 'orders.internal', 'health.internal'],
  ] as const) {
    test(`is sent to ${title}`, async () => {
      assert.match(await askedWith(options, host), new RegExp(`^host: ${expected}$`, 'm'));
    });
  }

  test('goes to the port of the check, which stands in its Host too', async () => {
    let head = '';
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      head = await connection.head();
      await connection.send(answer(200));
    });
    assert.equal(await outcomeOf(probeOf('http://127.0.0.1:1', { port: upstream.port })), 'passed');
    assert.match(head, new RegExp(`^host: 127\\.0\\.0\\.1:${upstream.port}\\r$`, 'm'));
  });
});

suite('an HTTP check of an https target', () => {
  let authority: TestAuthority;
  let server: Pair;
  let client: Pair;
  before(async () => {
    authority = await TestAuthority.make();
    server = await authority.issue('orders', ['orders.internal']);
    client = await authority.issue('gateway');
  });
  const upstreams: ScriptedUpstream[] = [];
  after(() => Promise.all(upstreams.map((upstream) => upstream.close())));

  async function check(tls: ProbedService['tls'], options: object = {}): Promise<string> {
    const upstream = await ScriptedUpstream.start(answering(answer(200)), { ...server, ...options });
    upstreams.push(upstream);
    return outcomeOf(probeOf(`https://127.0.0.1:${upstream.port}`, {}, { host: 'preserve', tls }));
  }

  test('passes with the trust and the name of the service', async () => {
    assert.equal(await check({ ca: authority.cert, serverName: 'orders.internal' }), 'passed');
  });

  test('fails when the certificate is of an authority that is not trusted', async () => {
    assert.equal(
      await check({ serverName: 'orders.internal' }),
      'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    );
  });

  test('fails when the certificate is for another name', async () => {
    assert.match(await check({ ca: authority.cert }), /^Hostname\/IP does not match certificate's altnames/);
  });

  test('passes any certificate where that is switched off', async () => {
    assert.equal(await check({ verify: false }), 'passed');
  });

  test('shows the certificate of the service to a server that asks for one', async () => {
    const asking = { requestCert: true, rejectUnauthorized: true, ca: authority.cert };
    const trust = { ca: authority.cert, serverName: 'orders.internal' };
    assert.equal(await check({ ...trust, ...client }, asking), 'passed');
    assert.notEqual(await check(trust, asking), 'passed');
  });

  test('fails at a server that speaks no TLS', async () => {
    await using upstream = await ScriptedUpstream.start((connection) =>
      connection.send('HTTP/1.1 400 Bad\r\n\r\n'),
    );
    assert.equal(await outcomeOf(probeOf(`https://127.0.0.1:${upstream.port}`)), 'TLS: wrong version number');
  });

  test('cannot be made with a certificate that OpenSSL refuses', () => {
    assert.throws(() => probeOf('https://a', {}, { host: 'preserve', tls: { cert: 'no PEM' } }));
  });
});

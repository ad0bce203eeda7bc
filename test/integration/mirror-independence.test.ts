import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { get, post } from '../conformance/case.ts';
import { startGatewayWith } from '../support/gateway.ts';
import {
  type Copies,
  configWith,
  play,
  readsBody,
  type Stage,
  takesNothing,
  untilCopies,
} from '../support/mirror-play.ts';
import { fine } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, type Script, ScriptedUpstream } from '../support/scripted-upstream.ts';

describe('The original is answered as without a mirror', () => {
  const BODY = 'x'.repeat(10_000);
  const upload = post([`Content-Length: ${BODY.length}`, 'Expect: 100-continue']);

  /** Says everything that an upstream may say before its answer. */
  const talkative: Script = async (connection) => {
    await connection.head();
    await connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
    await connection.send('HTTP/1.1 100 Continue\r\n\r\n');
    await connection.octets(BODY.length);
    await connection.send(
      'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n4\r\nfine\r\n0\r\nX-T: u\r\n\r\n',
    );
    await fine(connection);
  };

  /** What the client gets, octet for octet but for the date. */
  async function received({ client }: Pick<Stage, 'client'>): Promise<string> {
    await client.send(upload);
    await client.until(() => client.received.includes('100 Continue'), 'the word to go on');
    await client.send(BODY + get());
    await client.until(
      () => /fine\r\n0\r\n[^]*\r\n\r\nfine$/.test(client.received.toString('latin1')),
      'both answers',
    );
    return client.received.toString('latin1').replaceAll(/^Date: .*\r\n/gm, '');
  }

  const EXPECTED =
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n' +
    'HTTP/1.1 100 Continue\r\n\r\n' +
    'HTTP/1.1 201 Created\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\nX-T: u\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine';

  const resets: Script = (connection) => void connection.socket.resetAndDestroy();
  const saying =
    (text: string): Script =>
    async (connection) => {
      await connection.head();
      await connection.send(text);
    };

  const table: readonly (readonly [title: string, shadow: Script, copies: Partial<Copies>])[] = [
    ['answers', readsBody(BODY.length), {}],
    ['never answers', async (connection) => void (await connection.head()), {}],
    ['takes nothing', takesNothing, {}],
    ['resets every connection', resets, { failed: 2 }],
    ['closes every connection', (connection) => connection.close(), { failed: 2 }],
    ['answers with garbage', saying('SSH-2.0-OpenSSH_9.2\r\n\r\n'), { failed: 2 }],
    [
      'answers with two lengths',
      saying('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
      { failed: 2 },
    ],
    [
      'switches protocols unasked',
      saying('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      { failed: 2 },
    ],
    ['answers 500 before it has the body', saying(answer(500, 'no')), { sent: 2 }],
    [
      'answers and then resets',
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
        connection.socket.resetAndDestroy();
      },
      { sent: 2 },
    ],
  ];
  for (const [title, shadow, expected] of table) {
    it(`that ${title}`, async () => {
      await play(talkative, shadow, async (stage) => {
        assert.equal(await received(stage), EXPECTED);
        if (Object.keys(expected).length > 0) await untilCopies(stage.gateway, expected);
        const entries = stage.gateway.accessLog();
        assert.deepEqual(
          entries.filter((entry) => entry['error'] !== undefined),
          [],
        );
      });
    });
  }

  it('that nobody listens for', async () => {
    await using gone = await ScriptedUpstream.start(fine);
    const { url } = gone;
    await gone.close();
    await using original = await ScriptedUpstream.start(talkative);
    await using gateway = await startGatewayWith(configWith(original.url, url));
    using client = await RawClient.connect({ port: gateway.port });
    assert.equal(await received({ client }), EXPECTED);
    await untilCopies(gateway, { failed: 2 });
    const target = url.slice('http://'.length);
    assert.deepEqual(gateway.warnings, [
      `a copy for the mirror shadow of route main was lost: ${target}: ECONNREFUSED`,
    ]);
  });
});

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import { ScriptedUpstream } from '../../../test/support/scripted-upstream.ts';
import type { CheckOutcome } from './probe.ts';
import { tcpProbe } from './tcp-probe.ts';

function outcomeOf(url: string, port?: number): Promise<CheckOutcome> {
  return new Promise((resolve) => tcpProbe(port)(url)(resolve));
}

suite('a TCP check', () => {
  test('passes when the connection is accepted, sends nothing, and closes it', async () => {
    await using upstream = await ScriptedUpstream.start(() => {});
    assert.deepEqual(await outcomeOf(upstream.url), { passed: true });
    const connection = await upstream.connection(0);
    await connection.untilEnded();
    assert.equal(connection.text, '');
  });

  test('goes to the port of the check', async () => {
    await using upstream = await ScriptedUpstream.start(() => {});
    assert.deepEqual(await outcomeOf('https://127.0.0.1:1', upstream.port), { passed: true });
  });

  test('fails where nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual(await outcomeOf(`http://127.0.0.1:${port}`), { passed: false, cause: 'ECONNREFUSED' });
  });

  test('that is given up tells nothing', async () => {
    await using upstream = await ScriptedUpstream.start(() => {});
    const outcomes: CheckOutcome[] = [];
    tcpProbe(undefined)(upstream.url)((outcome) => outcomes.push(outcome))();
    assert.deepEqual(await outcomeOf(upstream.url), { passed: true });
    assert.deepEqual(outcomes, []);
  });
});

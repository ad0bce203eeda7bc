import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { compiled, PET } from './validate.support.ts';

suite('validate: answers', () => {
  const statuses = { 200: { content: { 'application/json': { schema: PET } } }, '4XX': {} };
  for (const [status, type, body, fault] of [
    [200, 'application/json', '{"name":"Rex"}', undefined],
    [200, 'application/json', '{"name":1}', 'the body of its status 200: /name must be string'],
    [200, 'text/plain', 'x', 'the Content-Type of its status 200 is not described'],
    [200, 'application/json', '', undefined],
    [404, 'text/plain', 'x', undefined],
    [304, 'application/json', '', undefined],
    [500, 'text/plain', 'x', 'its status 500 is not described'],
  ] as const) {
    test(`${status} ${type} ${body} ${fault === undefined ? 'passes' : 'is refused, or told of'}`, async () => {
      for (const mode of ['enforce', 'report'] as const) {
        const told: string[] = [];
        const policies = await compiled({ responses: { mode, statuses } }, [], told);
        const exchange = exchangeFor();
        exchange.response.status = status;
        exchange.response.fields.append('Content-Type', type);
        const answer =
          (await policies.onUpstreamResponse[0]?.hooks.onUpstreamResponse(exchange)) ??
          policies.onResponseBody[0]?.hooks.onResponseBody(exchange, Buffer.from(body)) ??
          undefined;
        const refused = fault !== undefined && mode === 'enforce';
        assert.deepEqual(
          [answer?.status, answer?.code],
          refused ? [502, 'invalid_response'] : [undefined, undefined],
        );
        assert.deepEqual(
          told,
          fault === undefined ? [] : [`validate: an answer to GET on route r is not as described: ${fault}`],
        );
      }
    });
  }
});

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startGateway, type TestGateway } from '../../testing.ts';

describe('A field into which a token of the gateway is written', () => {
  const service = createServer((request, response) => {
    if (request.url !== '/token') return response.end(JSON.stringify(request.headers));
    response.setHeader('content-type', 'application/json');
    return response.end('{"access_token":"of-the-gateway","token_type":"Bearer","expires_in":60}');
  });
  let gateway: TestGateway;

  before(async () => {
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    const inject = (options: object) => ({
      inject: { from: 'client-credentials', provider: 'p', ...options },
    });
    const to = (path: string, ...policies: Record<string, unknown>[]) => ({
      match: { paths: [path] },
      policies,
      service: 's',
    });
    gateway = await startGateway({
      listeners: { main: { port: 8080 } },
      consumers: { app: { apiKeys: [{ key: 'the-key-of-the-app-in-tests-alone' }] } },
      providers: {
        p: {
          kind: 'oauth2',
          authorizationEndpoint: `${url}/authorize`,
          tokenEndpoint: `${url}/token`,
          clientId: 'gateway',
          clientSecret: 'secret',
          user: { url: `${url}/user` },
        },
      },
      services: { s: { url } },
      routes: {
        header: to('/header', inject({ as: 'header', header: 'X-Service-Token' })),
        template: to('/template', inject({ as: 'template', header: 'X-Own', template: 'jwt=${token}' })),
        cookie: to('/cookie', inject({ as: 'template', header: 'Cookie', template: 'token=${token}' })),
        bearer: to('/bearer', inject({})),
        key: to('/key', { 'api-key': {} }, inject({ as: 'header', header: 'X-Api-Key' })),
        open: to('/open'),
      },
    });
  });
  after(async () => {
    await gateway.close();
    service.closeAllConnections();
    service.close();
  });

  async function sent(path: string, headers: Record<string, string>): Promise<Record<string, unknown>> {
    const answer = await fetch(gateway.url + path, { headers });
    assert.equal(answer.status, 200);
    return (await answer.json()) as Record<string, unknown>;
  }

  for (const [field, value] of [
    ['x-service-token', undefined],
    ['x_service_token', undefined],
    ['x-own', undefined],
    // Clients need them for themselves.
    ['authorization', 'forged'],
    ['cookie', 'forged'],
    // A key of the configuration, which the route with the policy takes off.
    ['x-api-key', 'forged'],
  ] as const)
    it(`${value === undefined ? 'never' : 'as any other'} passes on a route beside it: ${field}`, async () => {
      assert.equal((await sent('/open', { [field]: 'forged' }))[field], value);
    });

  it('has the token on its own route, whatever the client says', async () => {
    for (const [path, field, value] of [
      ['/header', 'x-service-token', 'of-the-gateway'],
      ['/template', 'x-own', 'jwt=of-the-gateway'],
      ['/cookie', 'cookie', 'token=of-the-gateway'],
      ['/bearer', 'authorization', 'Bearer of-the-gateway'],
    ] as const)
      assert.equal((await sent(path, { [field]: 'forged' }))[field], value, path);
    const key = { 'x-api-key': 'the-key-of-the-app-in-tests-alone' };
    assert.equal((await sent('/key', key))['x-api-key'], 'of-the-gateway');
  });
});

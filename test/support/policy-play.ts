import type { PolicyUse } from '../../src/policies/use.ts';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { configBefore, startGatewayWith, type TestGateway } from './gateway.ts';
import { RawClient } from './raw-client.ts';
import { answer, type Script, ScriptedUpstream } from './scripted-upstream.ts';

type Route = DataPlaneConfig['routes'][string];

/** A gateway whose one route has these policies, in front of `url`. */
export function startWithPolicies(
  url: string,
  policies: readonly PolicyUse[],
  route: Partial<Route> = {},
): Promise<TestGateway> {
  const config = configBefore(url);
  const main = { ...(config.routes['main'] as Route), ...route, policies };
  return startGatewayWith({ ...config, routes: { main } });
}

/** One client, one gateway with these policies, one upstream that plays the script. The gateway, closed, for its log. */
export async function playWithPolicies(
  policies: readonly PolicyUse[],
  script: Script,
  act: (client: RawClient, upstream: ScriptedUpstream, gateway: TestGateway) => Promise<void>,
): Promise<TestGateway> {
  await using upstream = await ScriptedUpstream.start(script);
  await using gateway = await startWithPolicies(upstream.url, policies);
  using client = await RawClient.connect({ port: gateway.port });
  await act(client, upstream, gateway);
  return gateway;
}

/** Answers every request on every connection with 200 `fine`. */
export const fine: Script = async (connection) => {
  for (;;) {
    await connection.head();
    await connection.send(answer(200, 'fine'));
  }
};

import assert from 'node:assert/strict';
import type { PolicyUse } from '../../src/policies/use.ts';
import { routeSchema } from '../../src/routing/schema.ts';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { serviceSchema } from '../../src/upstream/schema.ts';
import { turns } from './changes.ts';
import { configBefore, startGatewayWith, type TestGateway } from './gateway.ts';
import { RawClient } from './raw-client.ts';
import { answer, type Script, ScriptedUpstream } from './scripted-upstream.ts';

export interface Options {
  readonly mirror?: object;
  readonly service?: object;
  readonly route?: object;
  readonly policies?: readonly PolicyUse[];
}

export function configWith(url: string, mirrorUrl: string, options: Options = {}): DataPlaneConfig {
  const config = configBefore(url);
  const shadow = { ...serviceSchema.parse(options.service ?? {}), targets: [{ url: mirrorUrl, weight: 1 }] };
  const main = routeSchema.parse({
    match: { paths: ['/*'] },
    service: 'main',
    mirror: { service: 'shadow', ...options.mirror },
    ...options.route,
  });
  return {
    ...config,
    services: { ...config.services, shadow },
    routes: { main: { ...main, policies: options.policies ?? [] } },
  };
}

export interface Stage {
  readonly client: RawClient;
  readonly gateway: TestGateway;
  readonly original: ScriptedUpstream;
  readonly mirror: ScriptedUpstream;
}

/** One client, one gateway, a service that plays `script` and a mirror that plays `shadow`. */
export async function play(
  script: Script,
  shadow: Script,
  act: (stage: Stage) => Promise<void>,
  options: Options = {},
): Promise<void> {
  await using original = await ScriptedUpstream.start(script);
  await using mirror = await ScriptedUpstream.start(shadow);
  await using gateway = await startGatewayWith(configWith(original.url, mirror.url, options));
  using client = await RawClient.connect({ port: gateway.port });
  await act({ client, gateway, original, mirror });
}

export type Copies = Readonly<Record<'sent' | 'failed' | 'dropped', number>>;

export function copies(gateway: TestGateway): Copies {
  const count = (outcome: string): number => {
    const line = `portcullis_mirror_copies_total{service="shadow",outcome="${outcome}"} `;
    return Number(
      new RegExp(`^${line.replaceAll(/[{}]/g, '\\$&')}(\\d+)$`, 'm').exec(gateway.metrics())?.[1] ?? 0,
    );
  };
  return { sent: count('sent'), failed: count('failed'), dropped: count('dropped') };
}

/** Nothing tells when a counter changes, so it is looked at again whenever something may have. */
export async function untilCopies(gateway: TestGateway, expected: Partial<Copies>): Promise<void> {
  const end = performance.now() + 10_000;
  const whole = { sent: 0, failed: 0, dropped: 0, ...expected };
  while (JSON.stringify(copies(gateway)) !== JSON.stringify(whole) && performance.now() < end) await turns();
  assert.deepEqual(copies(gateway), whole);
}

/** Reads a body of so many octets and answers. */
export const readsBody =
  (length: number): Script =>
  async (connection) => {
    for (;;) {
      await connection.head();
      await connection.octets(length);
      await connection.send(answer(200, 'fine'));
    }
  };

/** Reads up to the end of a chunked body and answers. */
export const readsChunked: Script = async (connection) => {
  await connection.head();
  await connection.untilReceived('\r\n0\r\n');
  await connection.send(answer(200, 'fine'));
};

/** Takes octets from nobody. */
export const takesNothing: Script = (connection) => void connection.socket.pause();

export const withoutMark = (text: string): string => text.replace('X-Mirrored: true\r\n', '');

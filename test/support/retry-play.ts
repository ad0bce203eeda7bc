import { type Deadline, Deadlines } from '../../src/lib/deadlines.ts';
import { observabilitySchema } from '../../src/observability/schema.ts';
import { PAUSE_STEP_MS, type RetryContext } from '../../src/upstream/retry/policy.ts';
import { get } from '../conformance/case.ts';
import type { Answer } from './answers.ts';
import { Changes } from './changes.ts';
import { configBefore, startGatewayWith, type TestGateway } from './gateway.ts';
import { RawClient } from './raw-client.ts';
import { answer, type Script, ScriptedUpstream, type UpstreamConnection } from './scripted-upstream.ts';

/** A service with a target for each script, in front of them one gateway and one client. */
export interface RetryPlay {
  readonly client: RawClient;
  readonly gateway: TestGateway;
  /** By target, in the order in which they are asked. */
  readonly upstreams: readonly ScriptedUpstream[];
  readonly clock: PauseClock;
}

export interface RetryStage {
  readonly scripts: readonly Script[];
  /** As a file would have it, beside `targets`. */
  readonly service: Readonly<Record<string, unknown>>;
  /** Of the route, in milliseconds; 0 is none. */
  readonly timeoutMs?: number;
  readonly policies?: ReturnType<typeof configBefore>['policies'];
  readonly retries?: Partial<RetryContext>;
}

/** The clock of back-offs and hedges: it stands still unless it is moved. It tells who waits for it. */
export class PauseClock extends Deadlines {
  readonly #now: { ms: number };
  readonly #awaited = new Set<Deadline>();
  readonly #changes = new Changes();

  constructor() {
    const now = { ms: 0 };
    super(() => now.ms, PAUSE_STEP_MS);
    this.#now = now;
  }

  override add(entry: Deadline): void {
    super.add(entry);
    this.#awaited.add(entry);
    this.#changes.tell();
  }

  override remove(entry: Deadline): void {
    super.remove(entry);
    this.#awaited.delete(entry);
    this.#changes.tell();
  }

  move(ms: number): void {
    this.#now.ms += ms;
    this.sweep();
  }

  /** Resolves when a back-off or a hedge is waited for. */
  async untilAwaited(): Promise<void> {
    await this.#changes.until(() => this.#awaited.size > 0, 'a pause');
  }

  async untilNothingAwaited(): Promise<void> {
    await this.#changes.until(() => this.#awaited.size === 0, 'the end of every pause');
  }
}

export async function playRetries(stage: RetryStage, act: (play: RetryPlay) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const upstreams: ScriptedUpstream[] = [];
  for (const script of stage.scripts) upstreams.push(stack.use(await ScriptedUpstream.start(script)));
  const config = configBefore('http://replaced', {}, stage.service);
  const { main } = config.services;
  const { main: route } = config.routes;
  if (main === undefined || route === undefined) throw new Error('the configuration has other names');
  const clock = new PauseClock();
  const gateway = stack.use(
    await startGatewayWith(
      {
        ...config,
        observability: observabilitySchema.parse({
          accessLog: { format: 'json', fields: ['status', 'code', 'target', 'attempts'] },
        }),
        services: { main: { ...main, targets: inTurn(upstreams) } },
        routes: { main: { ...route, timeout: stage.timeoutMs ?? 0, policies: stage.policies ?? [] } },
      },
      { pauses: clock, random: () => CHANCE, ...stage.retries },
    ),
  );
  const client = stack.use(await RawClient.connect({ port: gateway.port }));
  await act({ client, gateway, upstreams, clock });
}

/** What chance says always. */
const CHANCE = 0.5;

/** As targets, so that the first one is asked first: chance says with which of the list a round begins. */
function inTurn(upstreams: readonly ScriptedUpstream[]): { url: string; weight: number }[] {
  const from = upstreams.length - Math.floor(CHANCE * upstreams.length);
  return [...upstreams.slice(from), ...upstreams.slice(0, from)].map(({ url }) => ({ url, weight: 1 }));
}

/** Without a wait between attempts. */
export const AT_ONCE = { base: '0s', max: '0s' };

/** Reads the head of every request, and answers it so. */
export function answering(...args: Parameters<typeof answer>): Script {
  return async (connection) => {
    for (;;) {
      await connection.head();
      await connection.send(answer(...args));
    }
  };
}

/** Reads a request's head and its body, which ends so, and does that. */
export function afterRequest(
  bodyEnd: string,
  act: (connection: UpstreamConnection) => Promise<void> | void,
): Script {
  return async (connection) => {
    for (;;) {
      await connection.head();
      await connection.until(() => connection.rest.toString('latin1').endsWith(bodyEnd), 'the end of a body');
      await connection.octets(connection.rest.length);
      await act(connection);
    }
  };
}

/** Every octet that an upstream was sent, over all of its connections. */
export function sentTo(upstream: ScriptedUpstream | undefined): string {
  return upstream?.connections.map(({ text }) => text).join('') ?? '';
}

/** Sends a GET and reads its answer. */
export async function ask(client: RawClient, fieldLines: readonly string[] = []): Promise<Answer> {
  await client.send(get(fieldLines));
  return client.answer();
}

/** Connections that each upstream has seen. */
export function connectionsOf({ upstreams }: RetryPlay): number[] {
  return upstreams.map(({ connections }) => connections.length);
}

/** The status and the body that the client gets next. */
export async function got({ client }: RetryPlay, method = 'GET'): Promise<[status: number, body: string]> {
  const { status, body } = await client.answer(method);
  return [status, body.toString()];
}

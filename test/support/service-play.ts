import type { PortcullisConfigInput } from '../../src/control/config/schema.ts';
import { startGateway, type TestGateway } from '../../src/testing.ts';
import { get } from '../conformance/case.ts';
import type { Answer } from './answers.ts';
import { Changes, turns } from './changes.ts';
import { RawClient } from './raw-client.ts';
import { answer, type Script, ScriptedUpstream } from './scripted-upstream.ts';

type Services = NonNullable<PortcullisConfigInput['services']>;
type Service = Services[string];
type Route = NonNullable<PortcullisConfigInput['routes']>[string];

export interface ServiceStage {
  /** By service. Each has a target for each of its `scripts`, unless its settings say otherwise. */
  readonly services: Readonly<Record<string, Service & { readonly scripts?: readonly Script[] }>>;
  /** The only route leads to the service `main`. */
  readonly route?: Partial<Route>;
}

/** A gateway and its services, and one client. */
export interface ServicePlay {
  readonly gateway: TestGateway;
  readonly client: RawClient;
  readonly config: PortcullisConfigInput;
  /** Those of a service, by target. */
  upstreams(service?: string): readonly ScriptedUpstream[];
  /** Another client, which is closed with the play. */
  connect(): Promise<RawClient>;
  /** Sends a GET and reads its answer. */
  ask(...fieldLines: string[]): Promise<Answer>;
  /** Asks until there is such an answer, which it gives; for what comes with time. */
  askUntil(fits: (answer: Answer) => boolean): Promise<Answer>;
}

/** How often is asked for what comes with time: at the pace of requests, some seconds. */
const MOST_ASKED = 20_000;

export async function playServices(
  { services, route }: ServiceStage,
  act: (play: ServicePlay) => Promise<void>,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const upstreams = new Map<string, ScriptedUpstream[]>();
  const written: Record<string, Service> = {};
  for (const [name, { scripts = [], ...settings }] of Object.entries(services)) {
    const own: ScriptedUpstream[] = [];
    for (const script of scripts) own.push(stack.use(await ScriptedUpstream.start(script)));
    upstreams.set(name, own);
    written[name] = own.length === 0 ? settings : { targets: own.map(({ url }) => ({ url })), ...settings };
  }
  const config: PortcullisConfigInput = {
    listeners: { main: { port: 0 } },
    services: written,
    routes: { main: { match: {}, service: 'main', ...route } },
    observability: {
      accessLog: { format: 'json', fields: ['status', 'code', 'service', 'target', 'attempts', 'error'] },
    },
  };
  const gateway = stack.use(await startGateway(config));
  const connect = async () => stack.use(await RawClient.connect({ port: gateway.port() }));
  const client = await connect();
  const ask = async (...fieldLines: string[]): Promise<Answer> => {
    await client.send(get(fieldLines));
    return client.answer();
  };
  await act({
    gateway,
    client,
    config,
    upstreams: (service = 'main') => upstreams.get(service) ?? [],
    connect,
    ask,
    async askUntil(fits) {
      for (let asked = 0; asked < MOST_ASKED; asked++) {
        const got = await ask();
        if (fits(got)) return got;
        await turns(1);
      }
      throw new Error('asked in vain');
    },
  });
}

/** How the targets of a test answer, which it may change. */
export interface Manner {
  status: number;
  /** Milliseconds that an answer takes. */
  takesMs: number;
}

/** A target that answers every request in this manner, with its name. */
export function mannered(name: string, manner: Manner): Script {
  return async (connection) => {
    for (;;) {
      await connection.head();
      if (manner.takesMs > 0) await new Promise((resolve) => setTimeout(resolve, manner.takesMs));
      await connection.send(answer(manner.status, name));
    }
  };
}

/** A target that answers each request when it is told to, with its name. */
export class Held {
  /** Requests that wait for their answer. */
  readonly waiting: (() => void)[] = [];
  readonly script: Script;
  readonly #changes = new Changes();

  constructor(name: string) {
    this.script = async (connection) => {
      for (;;) {
        await connection.head();
        const { promise, resolve } = Promise.withResolvers<void>();
        this.waiting.push(resolve);
        this.#changes.tell();
        await promise;
        await connection.send(answer(200, name));
      }
    };
  }

  async untilWaiting(count: number): Promise<void> {
    await this.#changes.until(() => this.waiting.length >= count, `${count} requests that wait`);
  }

  answerAll(): void {
    for (const go of this.waiting.splice(0)) go();
  }
}

/** How many requests a target has seen. */
export function requestsAt(upstream: ScriptedUpstream | undefined): number {
  const text = upstream?.connections.map((connection) => connection.text).join('') ?? '';
  return text.match(/ HTTP\/1\.1\r\n/g)?.length ?? 0;
}

/** Status and code of an answer that the gateway itself made of a failure. */
export function refusal({ status, body }: Answer): [status: number, code: unknown] {
  return [status, (JSON.parse(body.toString()) as { code: unknown }).code];
}

/** Status and body. */
export function told({ status, body }: Answer): [status: number, body: string] {
  return [status, body.toString()];
}

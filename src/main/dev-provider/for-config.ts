import type { ProviderConfig } from '../../identity/providers/schema.ts';
import type { DataPlaneConfig } from '../../server/config.ts';
import { DevProviders } from './server.ts';
import type { DevIssuerSettings } from './settings.ts';
import { TOKEN_EXCHANGE } from './token-exchange.ts';

/** What is told of a provider that runs. */
export interface RunningProvider {
  readonly name: string;
  readonly issuer: string;
}

type Config = Pick<DataPlaneConfig, 'identity' | 'listeners'>;

/** The providers of a configuration that are on this machine, run by the gateway itself: for development. */
export class ConfiguredProviders {
  readonly #servers = new Map<string, DevProviders>();

  /**
   * Starts those whose issuer is `http://localhost:<port>/<name>`, each with the gateway as its client. Providers that run already stay as they
   * are, but for what they know of the gateway. Rejects where a port is taken.
   */
  async apply(config: Config): Promise<readonly RunningProvider[]> {
    const running: RunningProvider[] = [];
    for (const [name, provider] of Object.entries(config.identity?.providers ?? {})) {
      const issuer = localIssuer(provider);
      if (issuer === undefined) continue;
      const settings: Partial<DevIssuerSettings> = { clients: [clientOf(name, provider, config)] };
      const { host, port, path } = issuer;
      const server = this.#servers.get(`${host}:${port}`) ?? (await this.#start(host, port));
      await server.put(path, settings);
      running.push({ name, issuer: server.issuer(path).url });
    }
    return running;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
  }

  async #start(host: string, port: number): Promise<DevProviders> {
    const server = await DevProviders.start({ host, port, issuers: {}, controls: true });
    this.#servers.set(`${host}:${port}`, server);
    return server;
  }
}

function localIssuer(provider: ProviderConfig): { host: string; port: number; path: string } | undefined {
  if (typeof provider.issuer !== 'string' || !URL.canParse(provider.issuer)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(provider.issuer);
  const isLocal =
    protocol === 'http:' && (hostname === 'localhost' || hostname === '127.0.0.1') && port !== '';
  const path = pathname.slice(1);
  return isLocal && !path.includes('/') ? { host: hostname, port: Number(port), path } : undefined;
}

function clientOf(
  name: string,
  provider: ProviderConfig,
  { identity, listeners }: Config,
): DevIssuerSettings['clients'][number] {
  const { clientId, clientSecret } = provider as { clientId?: string; clientSecret?: string };
  const paths = [...new Set(Object.values(identity?.sessions ?? {}).map(({ path }) => path))];
  const origins = Object.values(listeners).flatMap(({ protocol, port }) =>
    ['localhost', '127.0.0.1'].map((host) => `${protocol}://${host}:${port}`),
  );
  const below = (page: string): string[] =>
    origins.flatMap((origin) => paths.map((path) => `${origin}${path}${page}`));
  const notice = below('/backchannel-logout')[0];
  return {
    client_id: clientId ?? 'portcullis',
    ...(clientSecret === undefined
      ? { token_endpoint_auth_method: 'none' }
      : { client_secret: clientSecret }),
    redirect_uris: [...below('/callback'), ...below(`/callback/${name}`)],
    post_logout_redirect_uris: below('/logout/done'),
    grant_types: [
      'authorization_code',
      'refresh_token',
      ...(clientSecret === undefined ? [] : ['client_credentials', TOKEN_EXCHANGE]),
    ],
    ...(notice === undefined
      ? {}
      : { backchannel_logout_uri: notice, backchannel_logout_session_required: true }),
  };
}

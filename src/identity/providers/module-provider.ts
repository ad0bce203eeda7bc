import { messageOf } from '../../lib/message-of.ts';
import { loadProviderDefinition, makeProvider, type ProviderContext } from './definition.ts';
import {
  type GrantTokens,
  type LoginFlow,
  type Provider,
  ProviderRefused,
  ProviderUnavailable,
  type ProviderUser,
  type TokenExchange,
  type TokenRequest,
} from './provider.ts';
import type { ModuleProviderConfig } from './schema.ts';

/** A provider of a user's own module, which is loaded when it is first asked. */
export class ModuleProvider implements Provider {
  readonly name: string;
  readonly #config: ModuleProviderConfig;
  readonly #context: ProviderContext;
  #provider: Promise<Provider> | undefined;

  constructor(name: string, config: ModuleProviderConfig, context: ProviderContext) {
    this.name = name;
    this.#config = config;
    this.#context = context;
  }

  /** What its users are known under; a module is asked for what it says of each. */
  get issuer(): string {
    return `provider:${this.name}`;
  }

  async namesItself(): Promise<boolean> {
    return (await (await this.#made()).namesItself?.()) ?? false;
  }

  async authorizationUrl(flow: LoginFlow): Promise<string> {
    return (await this.#made()).authorizationUrl(flow);
  }

  async redeem(search: string, flow: LoginFlow): Promise<GrantTokens> {
    return (await this.#made()).redeem(search, flow);
  }

  async refresh(tokens: GrantTokens): Promise<GrantTokens> {
    return (await this.#made()).refresh(tokens);
  }

  async user(tokens: GrantTokens): Promise<ProviderUser> {
    return (await this.#made()).user(tokens);
  }

  async revoke(tokens: GrantTokens): Promise<void> {
    await (await this.#made()).revoke?.(tokens);
  }

  async logoutUrl(tokens: GrantTokens, returnTo: string | undefined): Promise<string | undefined> {
    return (await this.#made()).logoutUrl?.(tokens, returnTo);
  }

  async exchange(request: TokenExchange): Promise<GrantTokens> {
    const provider = await this.#made();
    if (provider.exchange === undefined)
      throw new ProviderRefused('unsupported_grant_type', 'it exchanges no tokens');
    return provider.exchange(request);
  }

  async clientCredentials(request: TokenRequest): Promise<GrantTokens> {
    const provider = await this.#made();
    if (provider.clientCredentials === undefined)
      throw new ProviderRefused('unsupported_grant_type', 'it gives the gateway no tokens of its own');
    return provider.clientCredentials(request);
  }

  /** A module that cannot be loaded is tried again with the next request: what it needs may come. */
  #made(): Promise<Provider> {
    this.#provider ??= this.#load().catch((error: unknown) => {
      this.#provider = undefined;
      throw new ProviderUnavailable(messageOf(error));
    });
    return this.#provider;
  }

  async #load(): Promise<Provider> {
    const { kind, module, organization: _, ...options } = this.#config;
    if (module === undefined)
      throw new Error(`the provider ${kind} was not found when the configuration was loaded`);
    const definition = await loadProviderDefinition(kind, module);
    return makeProvider(kind, definition, await definition.schema.parseAsync(options), this.#context);
  }
}

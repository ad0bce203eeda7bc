import type { AdminAuthentication } from '../control/admin/authentication/authentication.ts';
import type { ExternalLogin } from '../control/admin/authentication/external-login.ts';
import { identify } from '../control/admin/authentication/identify.ts';
import type { GatewayControl, RightsControl } from '../control/admin/endpoint.ts';
import { ProbeServer } from '../control/admin/probe-server.ts';
import { AdminServer } from '../control/admin/server.ts';
import type { LoadedConfig } from '../control/config/load.ts';
import { isOfFile } from '../control/manager/listing.ts';
import { NO_STORE, RightsStore } from '../control/rights/store/rights-store.ts';
import type { StoreConnection } from '../control/store/store-connection.ts';
import { messageOf } from '../lib/message-of.ts';
import type { ProcessLog } from './log.ts';

export interface AdminPortOptions {
  /** The configuration in force. */
  readonly config: () => LoadedConfig;
  /** What the port asks of the gateway. */
  readonly control: (rights: RightsControl) => GatewayControl;
  /** Undefined: there is none that can be changed. */
  readonly store: StoreConnection | undefined;
  readonly log: ProcessLog['main'];
}

/** After a start, when the workers are at work. */
const LOAD_DELAY_MS = 500;

type Bound = { readonly address: string; readonly port: number };

/** The admin port and its probes, with who may use them. What needs authentication is loaded where it is configured. */
export class AdminPort {
  readonly scheme: 'http' | 'https';
  readonly bound: Bound;
  readonly probes: Bound | undefined;
  readonly #server: AdminServer;
  readonly #probeServer: ProbeServer | undefined;
  readonly #certificate: string | undefined;
  readonly #closing: () => void;
  readonly #store: StoreConnection | undefined;
  #loading: NodeJS.Timeout | undefined;

  /** Rejects with an Error that says which port cannot be opened. */
  static async open(options: AdminPortOptions): Promise<AdminPort> {
    const { log, store } = options;
    const { admin, dataPlane } = options.config();
    const { authentication: settings, tls, hosts, address, port } = admin;
    const rightsStore = new RightsStore(store ?? NO_STORE, Date.now, (organization) =>
      isOfFile(options.config(), 'organizations', organization),
    );
    let external: Promise<ExternalLogin> | undefined;
    const session = settings?.session;
    const rights: RightsControl = {
      store: rightsStore,
      authentication: settings === undefined ? undefined : await authenticationOf(settings, rightsStore),
      external:
        session === undefined
          ? undefined
          : () => {
              external ??= externalLogin(options, session, settings?.roles ?? []);
              return external;
            },
    };
    const gateway = options.control(rights);
    const { authentication } = rights;
    const certificate = tls?.certificate;
    const pair = certificate === undefined ? undefined : dataPlane.certificates[certificate];
    // Never without TLS where it is wanted.
    if (certificate !== undefined && pair === undefined)
      throw new Error(`the admin port cannot be opened: the certificate ${certificate} is not there yet`);
    const server = new AdminServer({
      address,
      port,
      hosts,
      gateway,
      log,
      identify:
        authentication === undefined
          ? undefined
          : (request, place) => identify(gateway, authentication, request, place),
      tls: pair,
    });
    const bound = await opened('the admin port', server.listen());
    let probeServer: ProbeServer | undefined;
    let probes: Bound | undefined;
    try {
      if (admin.probes !== undefined) {
        probeServer = new ProbeServer(gateway, log);
        probes = await opened(
          'the port of the probes',
          probeServer.listen(admin.probes.address, admin.probes.port),
        );
      }
    } catch (error) {
      await server.close();
      throw error;
    }
    return new AdminPort(
      { server, bound, probeServer, probes, certificate, store },
      () => void external?.then((login) => login.close()).catch(() => {}),
    );
  }

  private constructor(
    parts: {
      readonly server: AdminServer;
      readonly bound: Bound;
      readonly probeServer: ProbeServer | undefined;
      readonly probes: Bound | undefined;
      readonly certificate: string | undefined;
      readonly store: StoreConnection | undefined;
    },
    closing: () => void,
  ) {
    this.#server = parts.server;
    this.bound = parts.bound;
    this.#probeServer = parts.probeServer;
    this.probes = parts.probes;
    this.#certificate = parts.certificate;
    this.scheme = parts.certificate === undefined ? 'http' : 'https';
    this.#store = parts.store;
    this.#closing = closing;
  }

  /** The gateway serves: what the first change would wait for is loaded while nobody waits, so that it takes effect as soon as later ones. */
  loadSoon(): void {
    const store = this.#store;
    if (store === undefined) return;
    this.#loading = setTimeout(() => {
      // Should it fail, it fails again for whoever needs it, and tells them.
      void Promise.all([this.#server.loadApi(), store.loadCode()]).catch(() => {});
    }, LOAD_DELAY_MS).unref();
  }

  /** Another configuration is in force: its certificate is used for connections that begin. */
  applied({ dataPlane }: LoadedConfig): void {
    const pair = this.#certificate === undefined ? undefined : dataPlane.certificates[this.#certificate];
    if (pair !== undefined) this.#server.setCertificate(pair);
  }

  async close(): Promise<void> {
    clearTimeout(this.#loading);
    this.#closing();
    await Promise.all([this.#server.close(), this.#probeServer?.close()]);
  }
}

async function opened(what: string, listening: Promise<Bound>): Promise<Bound> {
  try {
    return await listening;
  } catch (error) {
    throw new Error(`${what} cannot be opened: ${messageOf(error)}`, { cause: error });
  }
}

async function authenticationOf(
  settings: NonNullable<LoadedConfig['admin']['authentication']>,
  store: RightsStore,
): Promise<AdminAuthentication> {
  const { AdminAuthentication } = await import('../control/admin/authentication/authentication.ts');
  return new AdminAuthentication(settings, store);
}

async function externalLogin(
  { config, log }: AdminPortOptions,
  session: string,
  roles: NonNullable<LoadedConfig['admin']['authentication']>['roles'],
): Promise<ExternalLogin> {
  const { ExternalLogin } = await import('../control/admin/authentication/external-login.ts');
  return new ExternalLogin({
    identity: () => config().dataPlane.identity ?? { providers: {}, sessions: {} },
    session,
    roles,
    nowMs: Date.now,
    log,
  });
}

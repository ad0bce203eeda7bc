import { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import type { DataPlaneConfig } from './config.ts';
import type { ListenerConfig } from './schema.ts';

type Certificates = DataPlaneConfig['certificates'];

interface Identity {
  readonly pair: Certificates[string];
  readonly context: tls.SecureContext;
  /** Names that the certificate is for, in small letters. */
  readonly names: ReadonlySet<string>;
}

/** The certificates of one listener, and which one a client gets. */
export class Identities {
  readonly #identities: readonly [Identity, ...Identity[]];

  /** Throws the error of OpenSSL when a certificate or key is unusable. */
  constructor(config: ListenerConfig, certificates: Certificates) {
    this.#identities = identitiesOf(config, certificates);
  }

  /** For clients that do not say which host they want. */
  get fallback(): Certificates[string] {
    return this.#identities[0].pair;
  }

  /** The certificate for a server name: exact, else by wildcard for one label (RFC 9525 section 6.3), else the first. */
  contextFor(serverName: string): tls.SecureContext {
    const name = serverName.toLowerCase();
    const dot = name.indexOf('.');
    const wildcard = dot < 0 ? name : `*${name.slice(dot)}`;
    const found =
      this.#identities.find(({ names }) => names.has(name)) ??
      this.#identities.find(({ names }) => names.has(wildcard));
    return (found ?? this.#identities[0]).context;
  }
}

/** What a TLS server and each of its contexts are made with. */
export function secureOptions(config: ListenerConfig): tls.SecureContextOptions {
  const { minVersion, clientAuth } = config.tls ?? {};
  return {
    minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    // Without it, any authority that Node trusts could vouch for clients.
    ...(clientAuth === undefined ? {} : { ca: clientAuth.ca }),
  };
}

/** Whether clients are asked for a certificate, and refused without. */
export function clientAuthOptions({ tls: settings }: ListenerConfig): {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
} {
  const mode = settings?.clientAuth?.mode;
  return { requestCert: mode !== undefined, rejectUnauthorized: mode === 'require' };
}

/** Throws when a certificate is missing or unusable. */
export function identitiesOf(
  config: ListenerConfig,
  certificates: Certificates,
): readonly [Identity, ...Identity[]] {
  const names = config.tls?.certificates ?? [];
  const [first, ...others] = names.map((name) => identity(name, config, certificates));
  if (first === undefined) throw new Error('an https listener needs a certificate');
  return [first, ...others];
}

function identity(name: string, config: ListenerConfig, certificates: Certificates): Identity {
  const pair = certificates[name];
  if (pair === undefined) throw new Error(`the certificate ${name} does not exist`);
  const alternative = new X509Certificate(pair.cert).subjectAltName ?? '';
  return {
    pair,
    context: tls.createSecureContext({ ...pair, ...secureOptions(config) }),
    names: new Set(
      alternative.split(',').flatMap((part) => /^\s*DNS:(.+)$/.exec(part)?.[1]?.toLowerCase() ?? []),
    ),
  };
}
